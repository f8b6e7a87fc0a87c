import { deepEqual, equal, match, notEqual } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { installationValue, queueLabels, queueOwner } from '../../domain/labels.ts';
import { runName } from '../../domain/names.ts';
import { foreignText } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';

/** Google Cloud's rule for values of labels, and that for keys. */
const value = /^[a-z0-9_-]{0,63}$/;
const key = /^[a-z][a-z0-9_-]{0,62}$/;
const mostLabels = 64;

const run = (workflowId: string) => ({
  name: runName(workflowId, crypto.randomUUID()),
  workflowId,
});

describe('installationValue', () => {
  it('can be read by a person', () => {
    match(installationValue('127.0.0.1:7233/default'), /^127-0-0-1-7233-default-[a-z0-9]{13}$/);
    match(
      installationValue('Team_A.tmprl.cloud:7233/Team_A'),
      /^team-a-tmprl-cloud-7233-team-a-[a-z0-9]{13}$/,
    );
    match(installationValue(`${'x'.repeat(80)}/nightly`), /x-nightly-[a-z0-9]{13}$/);
  });

  it('keeps installations apart that read the same', () => {
    for (const [one, other] of [
      ['temporal:7233/team-a', 'temporal:7233/Team-A'],
      ['temporal:7233/team-a', 'temporal:7233/team_a'],
      ['temporal:7233/a/b', 'temporal:7233/a-b'],
      [`one.example.com:7233/${'x'.repeat(80)}`, `other.example.com:7233/${'x'.repeat(80)}`],
      ['temporal:7233/東京', 'temporal:7233/大阪'],
    ] as const) {
      notEqual(installationValue(one), installationValue(other));
    }
    // As published for FNV-1a: "foobar" is 85944171f73967e8.
    equal(installationValue('foobar'), `foobar-${0x85944171f73967e8n.toString(36)}`);
  });

  it('always fits the rules of Google Cloud and Kubernetes', async () => {
    await fuzz(
      fc.property(
        fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), foreignText),
        (text) => {
          match(installationValue(text), /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$/);
        },
      ),
    );
  });
});

describe('queueLabels', () => {
  it('say whose a topic is, whatever the workflow id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (text) => {
        const workflowId = text.isWellFormed() ? text : 'nightly';
        const { name } = run(workflowId);
        const labels = queueLabels('here', { name, workflowId }, 1_234_567);
        for (const [label, content] of Object.entries(labels)) {
          match(label, key);
          match(content, value);
        }
        deepEqual(queueOwner(labels, 'here'), { run: name, workflowId, createdAtMs: 1_234_000 });
        equal(queueOwner(labels, 'there'), null);
      }),
    );
  });

  it('have room for the longest workflow id', () => {
    const longest = run('🎬'.repeat(250));
    const labels = queueLabels('here', longest, 0);
    equal(Object.keys(labels).length <= mostLabels, true);
    equal(queueOwner(labels, 'here')?.workflowId, longest.workflowId);
  });

  it('say nothing of what they do not know', () => {
    const labels = queueLabels('here', run('nightly'), 0);
    const without = (...names: string[]) =>
      Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
    equal(queueOwner(without('spotloop-run'), 'here'), null);
    equal(queueOwner(without('spotloop-installation'), 'here'), null);
    equal(queueOwner({}, 'here'), null);
    equal(queueOwner(null, 'here'), null);
    const bare = queueOwner(without('spotloop-created', 'spotloop-workflow-0'), 'here');
    deepEqual([bare?.workflowId, bare?.createdAtMs], [null, null]);
    const changed = { ...labels, 'spotloop-workflow-0': '_ff' };
    equal(queueOwner(changed, 'here')?.workflowId, null);
  });
});
