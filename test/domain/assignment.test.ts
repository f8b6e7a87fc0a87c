import { deepEqual, match, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeAssignment, planAssignment } from '../../domain/assignment.ts';
import { parseRunSpec } from '../../domain/run-spec.ts';
import { spoiled } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';

const run = {
  name: 'r-0c1d2e3f4a5b',
  workflowId: 'r',
  firstRunId: '0c1d2e3f4a5b',
  bucket: 'bucket',
};

const tasks = [
  { kind: 'yt-dlp', options: ['--geo-bypass', '--age-limit=3'] },
  { kind: 'http', url: 'https://h/{key}', extension: 'bin' },
  { kind: 'command', name: 'resize' },
];

function assignmentOf(input: object) {
  const parsed = parseRunSpec({ items: ['a'], destination: 'gs://bucket/v/', ...input });
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('\n'));
  return planAssignment(run, parsed.spec);
}

describe('an assignment', () => {
  it('reaches a downloader as it was planned', async () => {
    const input = fc.record(
      {
        task: fc.constantFrom(...tasks),
        concurrency: fc.integer({ min: 1, max: 1_000 }),
        attempts: fc.integer({ min: 1, max: 100 }),
        itemTimeout: fc.constantFrom('1s', '10h'),
        idleExit: fc.constantFrom('10s', '1h'),
      },
      { requiredKeys: [] },
    );
    await fuzz(
      fc.property(input, (given) => {
        const planned = assignmentOf(given);
        deepEqual(decodeAssignment(JSON.stringify(planned)), planned);
      }),
    );
  });

  it('is refused, or has all that a downloader needs', async () => {
    const right = fc.constantFrom(...tasks).map((task) => assignmentOf({ task }));
    const task = spoiled(fc.constant(assignmentOf({}).task));
    const inItsTask = task.map((text) =>
      JSON.stringify(assignmentOf({})).replace(/"task":\{.*?\}/, () => `"task":${text}`),
    );
    await fuzz(
      fc.property(fc.oneof(spoiled(right), inItsTask), (text) => {
        let assignment;
        try {
          assignment = decodeAssignment(text);
        } catch (error) {
          match((error as Error).message, /^decode SPOTLOOP_ASSIGNMENT: not an assignment$/);
          return;
        }
        deepEqual(decodeAssignment(JSON.stringify(assignment)), assignment);
        // Whoever made it, it offers no more than a run spec may ask for (I10).
        const { task: wanted } = assignment;
        deepEqual(assignmentOf({ task: wanted }).task, wanted);
      }),
    );
  });

  it('is refused when a timer could not wait so long, and would fire at once', () => {
    for (const name of ['leaseDeadlineMs', 'itemTimeoutMs', 'idleExitMs']) {
      throws(() => decodeAssignment(JSON.stringify({ ...assignmentOf({}), [name]: 2 ** 31 })));
    }
  });

  it('is refused without the fields of its task', () => {
    throws(() =>
      decodeAssignment(JSON.stringify({ ...assignmentOf({}), task: { kind: 'http', url: 5 } })),
    );
  });
});
