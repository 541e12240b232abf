import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDoor } from './fake.ts';

const json = { 'content-type': 'application/json' };

test('every refused request of a known caller is a problem document with the id of its record', async () => {
  const door = await openDoor();
  const cases: [string, string, unknown, number, string][] = [
    ['GET', '/api/nothing', undefined, 404, 'resource_unknown'],
    ['GET', '/api/people/nobody%40example.com', undefined, 404, 'resource_unknown'],
    ['GET', '/api/people?limit=0', undefined, 400, 'invalid'],
    ['GET', '/api/people?surprise=1', undefined, 400, 'invalid'],
    ['GET', '/api/people?cursor=x', undefined, 400, 'invalid'],
    ['GET', '/api/usage?from=2026-02-30', undefined, 400, 'invalid'],
    ['GET', '/api/usage?month=2026-02&from=2026-02-01', undefined, 400, 'invalid'],
    ['GET', '/api/usage?from=2026-03-01&to=2026-02-01', undefined, 400, 'invalid'],
    ['POST', '/api/people', { email: 'mia@example.com' }, 409, 'conflict'],
    ['POST', '/api/people', { email: 'a@example.com', admin: true }, 400, 'invalid'],
    ['POST', '/api/people', { email: 'no address' }, 400, 'invalid'],
    ['POST', '/api/teams', { name: 'red\u001b[31m' }, 400, 'invalid'],
    ['POST', '/api/teams', { name: 'left\u202eright' }, 400, 'invalid'],
    ['POST', '/api/teams', { name: '   ' }, 400, 'invalid'],
    ['POST', '/api/teams', [], 400, 'invalid'],
    ['POST', '/api/keys', { person: 'mia@example.com', service: 'ci' }, 400, 'invalid'],
    ['POST', '/api/keys', { service: 'ci', kind: 'admin' }, 400, 'invalid'],
    ['POST', '/api/keys', { person: 'mia@example.com', kind: 'admin' }, 409, 'change_refused'],
    ['GET', '/api/audit?from=yesterday', undefined, 400, 'invalid'],
    ['POST', '/api/keys', { person: 'mia@example.com', expires: 'soon' }, 400, 'invalid'],
    ['POST', '/api/keys', { person: 'mia@example.com', expires: '2026-11-23' }, 400, 'invalid'],
    ['POST', '/api/keys', { person: 'mia@example.com', expires: '2027-02-30' }, 400, 'invalid'],
    ['POST', '/api/backup', { name: '../etc' }, 400, 'invalid'],
    ['POST', '/api/backup', { name: '..' }, 400, 'invalid'],
    ['POST', '/api/backup', { name: 'a/b' }, 400, 'invalid'],
  ];
  for (const [method, url, body, status, code] of cases) {
    const answer = await door.call(method as 'GET', url, body === undefined ? {} : { body });
    const text = `${method} ${url} ${JSON.stringify(body)}: ${answer.body}`;
    assert.equal(answer.statusCode, status, text);
    assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/, text);
    const problem = answer.json();
    assert.equal(problem.code, code, text);
    assert.equal(problem.type, `urn:gatehouse:problem:${code}`);
    assert.equal(problem.status, status);
    assert.match(problem.record, /^rec_/, text);
    assert.equal(door.world.refusals.at(-1)?.caller?.who, door.owner.id);
  }
  assert.equal(door.world.refusals.length, cases.length);
  assert.deepEqual(door.world.changes, []);
  await door.app.close();
});

test('a validation problem names each field', async () => {
  const door = await openDoor();
  const answer = await door.call('POST', '/api/people', { body: { email: 'x', role: 'king' } });
  const { errors } = answer.json() as { errors: { pointer: string; detail: string }[] };
  assert.deepEqual(errors.map((error) => error.pointer).sort(), ['/email', '/role']);
  await door.app.close();
});

test('only application/json in UTF-8 of at most 1 MiB is read', async () => {
  const door = await openDoor();
  const post = (headers: Record<string, string>, payload: string | Buffer) =>
    door.app.inject({
      method: 'POST',
      url: '/api/teams',
      headers: { authorization: `Bearer ${door.token}`, ...headers },
      payload,
    });
  assert.equal((await post({ 'content-type': 'text/plain' }, '{"name":"a"}')).statusCode, 415);
  assert.equal((await post({ 'content-type': 'application/x-www-form-urlencoded' }, 'name=a')).statusCode, 415);
  assert.equal((await post({ 'content-type': 'application/jsonp' }, '{"name":"a"}')).statusCode, 415);
  assert.equal((await post({ ...json, 'content-encoding': 'gzip' }, '{"name":"a"}')).statusCode, 415);
  assert.equal((await post(json, '{"name":')).statusCode, 400);
  assert.equal((await post(json, Buffer.from('{"name":"\xff"}', 'latin1'))).statusCode, 400);
  assert.equal((await post(json, '{"name":"a","__proto__":{"x":1}}')).statusCode, 400);
  assert.equal((await post(json, `{"name":"${'a'.repeat(1024 * 1024)}"}`)).statusCode, 413);
  assert.deepEqual(door.world.changes, []);
  assert.equal((await post({ 'content-type': 'application/json; charset=utf-8' }, '{"name":"a"}')).statusCode, 201);
  await door.app.close();
});

test('P1: a refusal that cannot be recorded is answered as that', async () => {
  const door = await openDoor();
  door.world.refuseRecords = true;
  const answer = await door.call('GET', '/api/people/nobody');
  assert.equal(answer.statusCode, 503);
  assert.equal(answer.json().code, 'journal_unavailable');
  await door.app.close();
});

test('what nobody foresaw is answered without its message, which may hold anything', async () => {
  const door = await openDoor({
    disk: async () => assert.fail('not reached'),
    projections: {
      usage: async () => {
        throw new Error('password=hunter2');
      },
    } as never,
  });
  const answer = await door.call('GET', '/api/usage');
  assert.equal(answer.statusCode, 500);
  assert.doesNotMatch(answer.body, /hunter2/);
  assert.match(JSON.stringify(door.world.logged), /hunter2/);
  assert.doesNotMatch(JSON.stringify(door.world.logged), /gha_/);
  await door.app.close();
});

test('views that are being started again are a 503 that says to try again', async () => {
  const down = async () => {
    throw Object.assign(new Error('the worker died'), { name: 'ProjectionsUnavailable' });
  };
  const door = await openDoor({ projections: { usage: down } as never });
  const answer = await door.call('GET', '/api/usage');
  assert.equal(answer.statusCode, 503);
  assert.equal(answer.headers['retry-after'], '1');
  assert.equal(answer.json().code, 'not_available');
  assert.ok(!answer.body.includes('the worker died'));
  await door.app.close();
});

test('a request from another web page is refused, whatever it carries', async () => {
  const door = await openDoor();
  const from = (origin: string) =>
    door.app.inject({
      url: '/api/people',
      headers: { authorization: `Bearer ${door.token}`, host: 'gate.example.com', origin },
    });
  assert.equal((await from('https://evil.example')).statusCode, 403);
  assert.equal((await from('null')).statusCode, 403);
  assert.equal((await from('https://gate.example.com')).statusCode, 200);
  await door.app.close();
});

test('P7: what a caller typed does not enter the trail by way of an error', async () => {
  const door = await openDoor({
    recordAction: async () => {
      throw new Error('ada@example.com');
    },
  });
  await door.call('POST', '/api/people', { body: { 'ada@example.com': 1, email: 'ada@' } });
  await door.call('GET', '/api/people?ada@example.com=1');
  await door.call('GET', '/api/people/ada%40example.com');
  await door.call('POST', '/api/usage/rebuild');
  assert.deepEqual(
    door.world.refusals.map(({ detail, operation }) => [operation, detail]),
    [
      ['POST /api/people', 'body: /email, /'],
      ['GET /api/people', 'querystring: /'],
      ['GET /api/people/:id', 'There is no person with this id or e-mail address.'],
      ['POST /api/usage/rebuild', 'Error'],
    ],
  );
  await door.app.close();
});
