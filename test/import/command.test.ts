import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Terminal } from '../cli/fake-io.ts';
import { fixture } from './support.ts';

function withFile(name: string, text: string | Buffer): Terminal {
  const terminal = new Terminal();
  writeFileSync(join(terminal.home, name), text);
  return terminal;
}

test('import prints the policy alone on standard output, and what to look at on standard error', async () => {
  const terminal = withFile('old.yaml', fixture('litellm.yaml'));
  assert.equal(await terminal.run('import', 'litellm', 'old.yaml'), 0);
  assert.equal(terminal.out, fixture('litellm.policy.yaml'));
  assert.match(terminal.err, /\nNot translated \(\d+\):\n/);
  assert.match(terminal.err, /\n {2}old\.yaml:42: litellm_settings\.budget_duration: became the calendar month/);
  assert.match(terminal.err, /\n {2}a secret stands here [^\n]+:\n {4}old\.yaml:18: model_list\[1\]/);
  assert.match(terminal.err, /key: "env:ANTHROPIC_KEY_PROD"/);
  assert.doesNotMatch(terminal.err, /LITERAL|hunter2|dbpass99/);
  terminal.close();
});

test('import --out writes a new file and never replaces one', async () => {
  const terminal = withFile('old.json', fixture('portkey.json'));
  assert.equal(await terminal.run('import', 'portkey', 'old.json', '--out', 'policy.yaml'), 0);
  assert.equal(terminal.out, '');
  assert.match(terminal.err, /The policy is in policy\.yaml\./);
  assert.equal(readFileSync(join(terminal.home, 'policy.yaml'), 'utf8'), fixture('portkey.policy.yaml'));
  writeFileSync(join(terminal.home, 'policy.yaml'), 'mine');
  assert.equal(await terminal.run('import', 'portkey', 'old.json', '--out', 'policy.yaml'), 1);
  assert.match(terminal.err, /policy\.yaml is already there/);
  assert.equal(readFileSync(join(terminal.home, 'policy.yaml'), 'utf8'), 'mine');
  terminal.close();
});

test('import --json prints one object', async () => {
  const terminal = withFile('old.yaml', fixture('claude-gateway.yaml'));
  assert.equal(await terminal.run('import', 'claude-gateway', 'old.yaml', '--json'), 0);
  const { ok, policy, config, notes } = terminal.json();
  assert.equal(ok, true);
  assert.equal(policy, fixture('claude-gateway.policy.yaml'));
  assert.equal(config, fixture('claude-gateway.config.yaml'));
  assert.ok(Array.isArray(notes) && notes.length > 20);
  assert.equal(terminal.err, '');
  terminal.close();
});

test('a file that cannot be read exits 2 and says why', async () => {
  const terminal = withFile('bad.yaml', 'model_list: [\n');
  writeFileSync(join(terminal.home, 'binary'), Buffer.from([0xff, 0xfe, 0x00]));
  writeFileSync(join(terminal.home, 'long.yaml'), `# ${'é'.repeat(600 * 1024)}`);
  const cases: [string, RegExp][] = [
    ['missing.yaml', /missing\.yaml cannot be read: there is no such file/],
    ['.', /cannot be read: it is a folder/],
    ['binary', /binary cannot be read: it is not UTF-8 text/],
    ['long.yaml', /long\.yaml:1:1: the file is over 1 MiB/],
    ['bad.yaml', /bad\.yaml:\d+:\d+: .+\n.*bad\.yaml cannot be translated/],
  ];
  for (const [name, said] of cases) {
    assert.equal(await terminal.run('import', 'litellm', name), 2, name);
    assert.match(terminal.err, said);
    assert.equal(terminal.out, '');
  }
  assert.equal(await terminal.run('import', 'nothing', 'bad.yaml'), 2);
  terminal.close();
});
