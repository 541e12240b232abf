import { type ApiError, apiError, envelopeOf } from './envelope.ts';
import { type Answer, type Frame, frameOf, framesOf, jsonOf } from './frames.ts';
import { type Oddities, oddJson, oddStream } from './oddities.ts';
import type { Outlet } from './outlet.ts';
import type { Disturbance, Script } from './scenario.ts';

/** How fast the simulation answers, milliseconds. */
export interface Pace {
  readonly firstByte: number;
  readonly betweenDeltas: number;
}

/** Where an answer goes and how. */
export interface Stage {
  readonly outlet: Pick<Outlet, 'head' | 'write' | 'pause' | 'end' | 'cut'>;
  readonly pace: Pace;
  /** On every response: request id and the mark of the simulation. */
  readonly headers: Readonly<Record<string, string>>;
  readonly requestId: string;
}

/** Deltas sent before a disturbance. */
const BEFORE_DISTURBANCE = 3;

const SSE = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

/** Sends a JSON document with its length. */
export function sendJson(stage: Stage, json: string, status = 200): void {
  const length = String(Buffer.byteLength(json));
  stage.outlet.head(status, { ...stage.headers, 'content-type': 'application/json', 'content-length': length });
  stage.outlet.end(json);
}

/** Sends an error in the API's envelope. */
export function sendError(stage: Stage, error: ApiError): void {
  sendJson(
    { ...stage, headers: { ...stage.headers, ...error.headers } },
    envelopeOf(error, stage.requestId),
    error.status,
  );
}

type MessageScript = Script & { kind: 'message' };

/** Streams a message to its end, or to the accident it asks for. Throws HungUp when the caller leaves. */
export async function playStream(stage: Stage, script: MessageScript, answer: Answer): Promise<void> {
  const { outlet, pace } = stage;
  await outlet.pause(pace.firstByte + (script.stall ?? 0));
  outlet.head(200, { ...stage.headers, ...SSE });
  let deltas = 0;
  for (const frame of framesOf(answer)) {
    if (frame.delta && deltas++ > 0) await outlet.pause(script.gap ?? pace.betweenDeltas);
    if (frame.delta && deltas === BEFORE_DISTURBANCE + 1 && script.disturbance !== undefined) {
      if (await disturb(stage, script.disturbance, frame)) return;
    }
    await outlet.write(frame.text);
  }
  outlet.end();
}

/** Does the damage in place of `next`. True when the answer is over. */
async function disturb(stage: Stage, disturbance: Disturbance, next: Frame): Promise<boolean> {
  const { outlet, requestId } = stage;
  if (disturbance.kind === 'silence') {
    await outlet.pause(disturbance.ms);
    return false;
  }
  if (disturbance.kind === 'cut') {
    await outlet.cut(disturbance.midFrame ? next.text.slice(0, next.text.length / 2) : next.text);
    return true;
  }
  if (disturbance.kind === 'error-event') {
    const { type, message } = apiError(529, 'Overloaded (simulated)');
    await outlet.write(frameOf('error', { error: { type, message }, request_id: requestId }).text);
  }
  outlet.end();
  return true;
}

/** Sends a message as one document: the whole time of its stream passes first, and a cut comes in its middle. */
export async function playJson(stage: Stage, script: MessageScript, answer: Answer): Promise<void> {
  const { outlet, pace } = stage;
  const { stall = 0, gap = pace.betweenDeltas, disturbance } = script;
  const silence = disturbance?.kind === 'silence' ? disturbance.ms : 0;
  const deltas = answer.reply.content.reduce((n, block) => n + (block.type === 'text' ? block.pieces.length : 1), 0);
  // The largest delay a timer takes.
  await outlet.pause(Math.min(pace.firstByte + stall + gap * (deltas - 1) + silence, 2 ** 31 - 1));
  const json = jsonOf(answer);
  if (disturbance?.kind !== 'cut') return sendJson(stage, json);
  const length = String(Buffer.byteLength(json));
  outlet.head(200, { ...stage.headers, 'content-type': 'application/json', 'content-length': length });
  await outlet.cut(json.slice(0, json.length / 2));
}

/** Size of the writes of the odd answer: splits frames, escapes and characters. */
const ODD_SLICE = 61;

/** Sends the odd answer, a stream in slices that respect no boundary. */
export async function playOddities(stage: Stage, stream: boolean, oddities: Oddities): Promise<void> {
  await stage.outlet.pause(stage.pace.firstByte);
  if (!stream) return sendJson(stage, oddJson(oddities));
  stage.outlet.head(200, { ...stage.headers, ...SSE });
  const bytes = Buffer.from(oddStream(oddities));
  for (let at = 0; at < bytes.length; at += ODD_SLICE) {
    await stage.outlet.write(bytes.subarray(at, at + ODD_SLICE));
    await stage.outlet.pause(stage.pace.betweenDeltas);
  }
  stage.outlet.end();
}
