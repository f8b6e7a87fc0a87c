import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { SearchAttributeName } from '../../domain/search-attributes.ts';
import {
  createSearchAttributes,
  readSearchAttributes,
} from '../../workers/temporal/search-attributes.ts';
import { startDevServer } from './dev-server.ts';
import { runCase, until } from './run-case.ts';
import type { CaseRun } from './run-case.ts';
import type { Script } from './world.ts';

/** What Temporal's list of workflows shows of a run, in a namespace with search attributes and in one without. */

/** A history that has grown. */
const suggestAfterEvents = 60;

let environment: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
before(async () => {
  ({ environment, bundle } = await startDevServer(suggestAfterEvents));
});
after(() => environment.teardown());

const names: readonly SearchAttributeName[] = [
  'SpotloopState',
  'SpotloopTotal',
  'SpotloopSettled',
  'SpotloopFailed',
  'SpotloopDestination',
];

/** A run over several executions, whose namespace has what the server says. */
function longRun(total: number): Script {
  return {
    total,
    slices: Array.from({ length: 41 }, (_, slice) => ({
      counts: { failed: slice > 0 ? 1 : 0, stored: Math.ceil((slice / 40) * (total - 1)) },
    })),
    activities: {
      preflight: async () => ({
        searchAttributes: await readSearchAttributes({
          connection: environment.connection,
          namespace: environment.client.options.namespace,
        }),
      }),
    },
  };
}

const expected = { kind: 'completed' } as const;

async function describeRun({ workflowId }: CaseRun) {
  return environment.client.workflow.getHandle(workflowId).describe();
}

const typesIn = ({ history }: CaseRun) => (history.events ?? []).map(({ eventType }) => eventType);
/** temporal.api.enums.v1.EventType */
const workflowTaskFailed = 9;
const searchAttributesUpserted = 40;

describe('a run in a namespace without search attributes', () => {
  it('sets none, and has its memo in every execution', async () => {
    const run = await runCase(environment, bundle, {
      name: 'unlisted',
      script: longRun(40),
      expected,
      calls: [],
    });
    assert.ok(run.ending.kind === 'completed');
    assert.ok(!typesIn(run).includes(searchAttributesUpserted));
    assert.ok(!typesIn(run).includes(workflowTaskFailed));
    const { memo, typedSearchAttributes } = await describeRun(run);
    assert.deepEqual(memo, {
      list: '1 key in the input',
      destination: 'gs://b-1/videos/',
      task: 'yt-dlp',
      runFolder: run.ending.result.runFolder,
    });
    const set = typedSearchAttributes.getAll().map(({ key }) => key.name);
    assert.deepEqual(
      set.filter((name) => name.startsWith('Spotloop')),
      [],
    );
  });
});

describe('a run in a namespace with search attributes', () => {
  before(async () => {
    const { connection, client } = environment;
    assert.deepEqual(
      await createSearchAttributes({ connection, namespace: client.options.namespace }),
      names,
    );
  });

  it('keeps them, seldom, over its executions, and is found by them', async () => {
    const run = await runCase(environment, bundle, {
      name: 'listed',
      input: { destination: `gs://b-1/${'videos'.repeat(100)}/` },
      script: longRun(400),
      expected,
      calls: [],
    });
    assert.equal(run.ending.kind, 'completed');
    assert.ok(!typesIn(run).includes(workflowTaskFailed));
    const { typedSearchAttributes } = await describeRun(run);
    const values = typedSearchAttributes
      .getAll()
      .filter(({ key }) => key.name.startsWith('Spotloop'))
      .map(({ key, value }) => [key.name, value]);
    assert.deepEqual(Object.fromEntries(values), {
      SpotloopState: 'ended',
      SpotloopTotal: 400,
      SpotloopSettled: 400,
      SpotloopFailed: 1,
      SpotloopDestination: `gs://b-1/${'videos'.repeat(100)}`.slice(0, 255),
    });
    const query = `SpotloopState = 'ended' AND SpotloopFailed > 0 AND WorkflowId = '${run.workflowId}'`;
    // The list is behind by moments.
    await until(async () => (await environment.client.workflow.count(query)).count > 0);
  });

  it('sets only those that are there', async () => {
    const run = await runCase(environment, bundle, {
      name: 'listed-in-part',
      script: {
        activities: { preflight: () => Promise.resolve({ searchAttributes: ['SpotloopFailed'] }) },
      },
      expected,
      calls: [],
    });
    const { typedSearchAttributes } = await describeRun(run);
    const set = typedSearchAttributes.getAll().map(({ key }) => key.name);
    assert.deepEqual(
      set.filter((name) => name.startsWith('Spotloop')),
      ['SpotloopFailed'],
    );
  });
});
