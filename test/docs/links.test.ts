import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Terminal } from '../cli/fake-io.ts';
import { blocks, paper, papers, prose, ROOT, tableUnder } from './papers.ts';

const PAPERS = papers();
const WANTED = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/architecture.md',
  'docs/claude-code.md',
  'docs/configuration.md',
  'docs/dependencies.md',
  'docs/journal.md',
  'docs/operations.md',
];

test('the papers are there', () => {
  const found = PAPERS.map(({ path }) => path);
  assert.deepEqual(
    WANTED.filter((path) => !found.includes(path)),
    [],
  );
  assert.match(paper('LICENSE'), /Apache License\s+Version 2\.0, January 2004/);
});

test('every relative link leads to a file, and every anchor to a heading', () => {
  let count = 0;
  for (const { path, text } of PAPERS) {
    for (const target of linksIn(text)) {
      if (/^[a-z]+:/i.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const to = file === '' ? path : join(dirname(path), file);
      assert.ok(existsSync(join(ROOT, to)), `${path}: ${target} leads nowhere`);
      if (anchor !== undefined) {
        assert.ok(headingsOf(paper(to)).includes(anchor), `${path}: ${target}: there is no such heading`);
      }
      count++;
    }
  }
  assert.ok(count > 50, `only ${count} links were found`);
});

test('links to other hosts are https', () => {
  for (const { path, text } of PAPERS) {
    for (const target of linksIn(text)) {
      if (/^[a-z]+:/i.test(target)) assert.match(target, /^https:\/\//, path);
    }
  }
});

/** Targets of `[text](target)` outside code. */
function linksIn(text: string): string[] {
  const plain = prose(text).replace(/`[^`\n]*`/g, (code) => ' '.repeat(code.length));
  return [...plain.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target ?? '');
}

/** Anchors that a Markdown page has, as the usual renderers make them. */
function headingsOf(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    (title ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every npm command in the papers is a script of package.json, every script file is there', () => {
  const { scripts } = JSON.parse(paper('package.json')) as { scripts: Record<string, string> };
  let count = 0;
  for (const { path, text } of PAPERS) {
    for (const [, run, word] of text.matchAll(/\bnpm (run )?(start|test|(?<=run )[\w:-]+)/g)) {
      assert.ok(scripts[word ?? ''] !== undefined, `${path}: npm ${run ?? ''}${word}`);
      count++;
    }
    for (const [, suite] of text.matchAll(/npm run e2e -- ([\w-]+)/g)) {
      assert.ok(existsSync(join(ROOT, 'e2e', suite ?? '')), `${path}: there is no end-to-end suite ${suite}`);
    }
    for (const [, file] of text.matchAll(/\bnode ((?:scripts|bin)\/[\w./-]+)/g)) {
      assert.ok(existsSync(join(ROOT, file ?? '')), `${path}: ${file}`);
    }
  }
  assert.ok(count > 10);
});

/** Command lines of ours: in shell blocks line by line, and in inline code. */
function commandsIn(text: string): string[] {
  const lines = blocks(text)
    .filter(({ info }) => info === 'sh')
    .flatMap(({ code }) => code.split('\n'));
  const inline = [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '');
  return [...lines, ...inline]
    .map((line) => /^\s*(?:gatehouse|node bin\/gatehouse\.cjs) (\S.*)$/.exec(line)?.[1] ?? '')
    .map((line) =>
      line
        .replace(/\s#.*$/, '')
        .replace(/\s[>|&].*$/, '')
        .trim(),
    )
    .filter((line) => line !== '');
}

test('every gatehouse command in the papers exists, with its options', async () => {
  const terminal = new Terminal();
  try {
    let count = 0;
    for (const { path, text } of PAPERS) {
      for (const line of commandsIn(text)) {
        const words = line.match(/"[^"]*"|\S+/g) ?? [];
        const place = `${path}: gatehouse ${line}`;
        const named = words.filter((word) => !word.startsWith('-'));
        assert.equal(await terminal.run(...named, '--help'), 0, place);
        const help = terminal.out;
        const usage = /^Usage: gatehouse (.*)$/m.exec(help)?.[1] ?? '';
        const chain = usage.split(' ').filter((word) => /^[a-z]+$/.test(word));
        assert.deepEqual(named.slice(0, chain.length), chain, place);
        // A group of commands answers a word it does not know with its own help.
        if (usage.includes('[command]')) assert.match(words[chain.length] ?? '-', /^-/, `${place}: no such subcommand`);
        for (const word of words.filter((candidate) => candidate.startsWith('-'))) {
          const option = word.split('=')[0] ?? '';
          assert.match(help, new RegExp(`(^|[\\s,])${option}\\b`, 'm'), `${place}: there is no ${option}`);
        }
        count++;
      }
    }
    assert.ok(count > 30, `only ${count} commands were found`);
  } finally {
    terminal.close();
  }
});

test('docs/operations.md lists exactly the metrics that the code registers, each with its kind', () => {
  const registered = new Set<string>();
  for (const file of sources('src')) {
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/'(gatehouse_[a-z0-9_]+)'/g)) registered.add(name ?? '');
  }
  assert.ok(registered.size > 10);
  const rows = tableUnder(paper('docs/operations.md'), 'Metrics');
  assert.deepEqual(rows.map(([name]) => name?.replaceAll('`', '')).sort(), [...registered].sort());
  for (const [name, kind] of rows) {
    const wanted = /_total`$/.test(name ?? '')
      ? ['counter']
      : /_seconds`$/.test(name ?? '')
        ? ['histogram', 'gauge']
        : ['gauge'];
    assert.ok(wanted.includes(kind ?? ''), `${name} is called a ${kind}`);
  }
});

test('metrics, variables and files that the papers mention elsewhere are real too', () => {
  const operations = tableUnder(paper('docs/operations.md'), 'Metrics').map(([name]) => name?.replaceAll('`', ''));
  for (const { path, text } of PAPERS) {
    for (const [name] of text.matchAll(/\bgatehouse_[a-z0-9_]+/g))
      assert.ok(operations.includes(name), `${path}: ${name}`);
    for (const [, file] of text.matchAll(/`((?:src|test|scripts|bin|docs|e2e)\/[\w./-]+\.\w+)`/g)) {
      assert.ok(existsSync(join(ROOT, file ?? '')), `${path}: ${file}`);
    }
  }
});

test('no paper holds a path of somebody’s machine', () => {
  for (const { path, text } of PAPERS) {
    for (const [found] of text.matchAll(/(?<![\w.])\/(?:home|root|Users|work|tmp)\/\S*/g))
      assert.fail(`${path}: ${found}`);
  }
});

function sources(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(ROOT, folder, name));
}
