import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { type Html, html } from './html.ts';
import { STYLE } from './style.ts';

export interface Page {
  readonly title: string;
  /** What stands in `main`. */
  readonly body: Html;
  /** Whose gateway it is; null where that is not known. */
  readonly organization: string | null;
  readonly status?: number;
  readonly wide?: boolean;
  readonly head?: Html;
  readonly footer?: Html;
  /** A constant of ours; pages have none otherwise, and no other would run. */
  readonly script?: Html;
}

const digest = (text: Html): string => `'sha256-${createHash('sha256').update(text.toString()).digest('base64')}'`;
const STYLE_DIGEST = digest(STYLE);

/**
 * What every answer of this door carries. The policy about referrers is not `no-referrer`: under that browsers send `Origin: null` with
 * our own forms, and these could not be told from another site's.
 */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()',
  'cache-control': 'no-store',
} as const;

/** Nothing from anywhere, not even from us; `script` is the digest of the one script that may run. */
function contentPolicy(script: string | null): string {
  const scripts = script === null ? '' : ` script-src ${script};`;
  return `default-src 'none'; style-src ${STYLE_DIGEST};${scripts} form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;
}

/** For answers without a page: redirects and metadata. */
export function guard(reply: FastifyReply): void {
  reply.headers(HEADERS).header('content-security-policy', contentPolicy(null));
}

export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  const { script } = page;
  reply.headers(HEADERS).header('content-security-policy', contentPolicy(script === undefined ? null : digest(script)));
  return reply
    .code(page.status ?? 200)
    .type('text/html; charset=utf-8')
    .send(document(page).toString());
}

/** An open gate. */
const MARK = html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M4 21V11a8 8 0 0 1 16 0v10"/><path d="M2 21h20"/><path d="M12 21V10l4 2.2V21"/></svg>`;

function document({ title, body, organization, wide, head, footer, script }: Page): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · ${organization ?? 'Gatehouse'}</title>
${head ?? null}<style>${STYLE}</style>
</head>
<body${wide === true && html` class="wide"`}>
<header>${MARK}<div>Gatehouse${organization !== null && html` <span>· ${organization}</span>`}</div></header>
<main>${body}</main>
<footer>${footer ?? null}</footer>
${script !== undefined && html`<script>${script}</script>\n`}</body>
</html>
`;
}
