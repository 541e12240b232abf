import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mustPermit, permits, reachFor } from '../../src/doors/admin/permissions.ts';
import type { Role } from '../../src/identity/principal.ts';
import { ROLES } from './operations.ts';

test('P8: what stands in no route is permitted by role too: prices to the primary owner, metrics to who reads everything', () => {
  const may = (permission: Parameters<typeof permits>[1]) => ROLES.filter((role) => permits(role, permission));
  assert.deepEqual(may('billing.write'), ['primary_owner']);
  assert.deepEqual(may('owner.write'), ['primary_owner']);
  assert.deepEqual(may('system.read'), ['primary_owner', 'admin', 'auditor']);
  for (const role of ROLES) {
    const check = () => mustPermit({ role }, 'system.read');
    if (['primary_owner', 'admin', 'auditor'].includes(role)) check();
    else assert.throws(check, /one of: primary owner, admin, auditor\. Your role is (team lead|member)\./);
  }
});

test('P8: a role that nobody knows reaches nothing', () => {
  for (const role of ['owner', 'root', '', '__proto__', 'length']) {
    assert.equal(reachFor(role as Role, 'account.read'), 'none', role);
  }
});

test('P8: an auditor changes nothing but what is the auditor’s own, and reads nobody’s content', () => {
  assert.equal(reachFor('auditor', 'content.read'), 'none');
  for (const permission of [
    ...['directory.write', 'roles.write', 'owner.write', 'identity.write', 'keys.write', 'stops.write'],
    ...['grants.write', 'policy.write', 'billing.write', 'usage.rebuild', 'system.backup'],
  ] as Parameters<typeof permits>[1][]) {
    assert.equal(reachFor('auditor', permission), 'none', permission);
  }
  for (const permission of ['sessions.write', 'account.write'] as const) {
    assert.equal(reachFor('auditor', permission), 'own', permission);
  }
});
