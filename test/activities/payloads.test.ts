import { deepEqual, equal, ok } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { createCollectOutcomes } from '../../activities/collect-outcomes.ts';
import { createCreateQueue } from '../../activities/create-queue.ts';
import { createPublishItems } from '../../activities/publish-items.ts';
import { createReconcile } from '../../activities/reconcile.ts';
import { createWriteReport } from '../../activities/write-report.ts';
import { encodeBeat, outcomesTopicKinds } from '../../domain/beat.ts';
import { queueNames } from '../../domain/names.ts';
import { encodeOutcome } from '../../domain/outcome.ts';
import { failed, stored } from './ledger/arbitrary-outcomes.ts';
import {
  closeWorld,
  inActivity,
  listObject,
  newActivity,
  openWorld,
  runOver,
  snapshotListOf,
} from './world.ts';
import type { Sample } from '../../domain/sample.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

/** In every key, and in what a failed item's error says. */
const mark = 'do-not-tell';
const keyOf = (index: number) => `${mark}-${String(index).padStart(6, '0')}`;

/** Of each item that is not stored by then. */
const unsettled = 5;

/** Everything that Temporal gets of the steps over a list: what they give back, and their heartbeats. */
async function payloadsOf(items: number): Promise<Map<string, unknown>> {
  const keys = Array.from({ length: items }, (_, index) => keyOf(index));
  const { run, spec } = runOver(world, await listObject(world, keys.join('\n')));
  const payloads = new Map<string, unknown>();
  const { google } = world;
  const step = async <Input, Output>(
    name: string,
    activity: (input: Input) => Promise<Output>,
    input: Input,
  ): Promise<Output> => {
    const environment: MockActivityEnvironment = newActivity();
    environment.on('heartbeat', (payload: unknown) =>
      payloads.set(`heartbeat of ${name}`, payload),
    );
    const running: Promise<Output> = environment.run(activity, input);
    const result = await running;
    payloads.set(name, result);
    return result;
  };

  const snapshot = await step('snapshotList', snapshotListOf(world), { run, spec });
  const createQueue = createCreateQueue({ ...google, installation: 'test' });
  await inActivity(createQueue, { run, spec });
  const lane = { lane: 0, lanes: 1, from: 0, sliceMs: 60_000 };
  await step('publishItems', createPublishItems(google), { run, snapshot, ...lane });
  const settled = keys.slice(unsettled).map((key, at) => {
    const index = at + unsettled;
    return index % 2 === 0 ? stored(index) : failed(index, `HTTP 404 of https://h/${key}`);
  });
  const beat = { state: 'working', slots: 4, throttled: 0, pauseMs: 0, atMs: Date.now() } as const;
  const holding = Array.from({ length: unsettled }, (_, index) => index);
  const kind = outcomesTopicKinds.attribute;
  await google.publisher.publish({
    topic: `projects/${google.projectId}/topics/${queueNames(run.name).outcomes}`,
    messages: [
      {
        data: Buffer.from(settled.map(encodeOutcome).join('\n')),
        attributes: { [kind]: 'outcomes' },
      },
      {
        data: Buffer.from(encodeBeat({ downloader: 'd', holding, ...beat })),
        attributes: { [kind]: 'beat' },
      },
    ],
  });
  const slice = { run, snapshot, sliceMs: 60_000, until: 'quiet' } as const;
  const sample = await step('collectOutcomes', createCollectOutcomes(google), slice);
  equal(sample.counts.stored + sample.counts.failed, items - unsettled);
  await step('reconcile', createReconcile(google), { run, snapshot });
  const times = { startedAtMs: 0, endedAtMs: 1_000 };
  const ending = { kind: 'completed' } as const;
  await step('writeReport', createWriteReport(google), { run, spec, snapshot, ending, ...times });
  return payloads;
}

/** A sample without its examples of errors: they are three keys of one error, however many came with it. */
function withoutExamples(payload: unknown): unknown {
  const { errors, ...rest } = payload as Sample;
  if (errors === undefined) return payload;
  deepEqual(
    errors.errors.map(({ examples }) => examples),
    [[5, 7, 9].map(keyOf)],
  );
  const told = errors.errors.map((error) => ({ ...error, examples: [] }));
  return { ...rest, errors: { ...errors, errors: told } };
}

test('what Temporal gets of the steps over a list has no key in it, and is as long for any list', async () => {
  const [few, many] = await Promise.all([payloadsOf(100), payloadsOf(3_000)]);
  deepEqual(
    [...few.keys()].filter((name) => !name.startsWith('heartbeat')),
    ['snapshotList', 'publishItems', 'collectOutcomes', 'reconcile', 'writeReport'],
  );
  /** Counts have a digit or two more, and there are a dozen of them. */
  const moreDigits = 40;
  for (const [name, payload] of many) {
    const text = JSON.stringify(withoutExamples(payload));
    ok(!text.includes(mark), `${name} tells keys: ${text.slice(0, 200)}`);
    const ofFew = JSON.stringify(withoutExamples(few.get(name) ?? payload));
    ok(
      text.length <= ofFew.length + moreDigits,
      `${name} grows with the list: ${text.slice(0, 200)}`,
    );
  }
});
