import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { CreatedSchedule } from '../../cli/schedule-create.ts';
import type { ListedSchedule } from '../../cli/schedule-list.ts';
import { ensurePart } from '../../infra/local/install/part.ts';
import { findTemporalCli } from '../../infra/local/install/temporal-cli.ts';
import { waitUntil } from '../support/run-stack.ts';
import { assertPlain, spotloopWith } from '../support/spotloop.ts';

/** `spotloop schedule`, against a real server; that schedules start runs as they should, `test/e2e/schedule.test.ts` sees. */

const run = promisify(execFile);
const namespace = 'default';
const list = 'gs://my-bucket/youtube-ids';
const to = ['--to', 'gs://my-bucket/videos/'];

let temporalCli: string;
let environment: TestWorkflowEnvironment;
let spotloop: ReturnType<typeof spotloopWith>;
before(async () => {
  temporalCli = await ensurePart(await findTemporalCli());
  environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path: temporalCli } },
  });
  spotloop = spotloopWith({ TEMPORAL_ADDRESS: environment.address });
});
after(() => environment.teardown());

async function answered<Answer>(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await spotloop.run('schedule', ...args, '--json');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return JSON.parse(stdout) as Answer;
}

type Kept = { readonly action: { readonly startWorkflow: Record<string, unknown> } };

/**
 * What the server keeps of a schedule, in its own words. The temporal command writes down what is the same as nothing: durations
 * of 0, and the server's own time-out of a workflow task, 10 s.
 */
async function keptOf(scheduleId: string): Promise<object> {
  const { connection } = environment;
  const { schedule } = await connection.workflowService.describeSchedule({ namespace, scheduleId });
  const kept = JSON.parse(JSON.stringify(schedule), (_, value: unknown) =>
    typeof value === 'object' && value !== null && Object.keys(value).length === 0
      ? undefined
      : value,
  ) as Kept;
  const { workflowTaskTimeout = { seconds: '10' }, ...start } = kept.action.startWorkflow;
  assert.deepEqual(workflowTaskTimeout, { seconds: '10' });
  return { ...kept, action: start };
}

const exists = async (scheduleId: string): Promise<boolean> => {
  const { schedules } = await environment.connection.workflowService.listSchedules({ namespace });
  return schedules.some((one) => one.scheduleId === scheduleId);
};

describe('schedule create', () => {
  it('creates the same as the line of Temporal that it prints', async () => {
    const input = `{"task": {"kind": "http", "url": "https://example.org/it's/{key}"}}`;
    const options = {
      nightly: `--cron|0 3 * * *|--cron|30 12 * * Fri|--time-zone|Europe/Zurich|--jitter|10m|--pause-on-failure|--workers|4|--rate-limit|600|--overlap-policy|BufferOne|--catchup-window|90s|--task-queue|bulk|--input|${input}`,
      channel: '--interval|90m|--interval|25h',
    };
    for (const [id, text] of Object.entries(options)) {
      const given = text.split('|');
      const { sameAs, nextAt } = await answered<CreatedSchedule>(
        'create',
        id,
        list,
        ...to,
        ...given,
      );
      assert.ok(Date.parse(nextAt[0] ?? '') > Date.now(), `next: ${nextAt[0]}`);
      const kept = await keptOf(id);
      await environment.client.schedule.getHandle(id).delete();
      const temporal = sameAs.replace(/^temporal /, '"$TEMPORAL" --address "$ADDRESS" ');
      const env = { ...process.env, TEMPORAL: temporalCli, ADDRESS: environment.address };
      await run('bash', ['-c', temporal], { env });
      assert.deepEqual(await keptOf(id), kept, sameAs);
    }
  });

  it('skips overlaps and catches up for ten minutes unless told otherwise, and says what is next', async () => {
    const id = 'usual';
    const printed = await spotloop.run(
      'schedule',
      'create',
      id,
      list,
      ...to,
      '--cron',
      '0 3 * * *',
    );
    assert.deepEqual([printed.code, printed.stderr], [0, '']);
    assertPlain(printed);
    assert.match(
      printed.stdout,
      /^created {2}usual\nlist {5}gs:\/\/my-bucket\/youtube-ids\nnext {5}20\S+T03:00:00.000Z\nsame as {2}temporal schedule create --schedule-id usual /,
    );
    const handle = environment.client.schedule.getHandle(id);
    const { policies, action } = await handle.describe();
    assert.deepEqual(policies, {
      overlap: 'SKIP',
      catchupWindow: 600_000,
      pauseOnFailure: false,
    });
    assert.equal(action.taskQueue, 'spotloop');
    await handle.trigger();
    // Its action is a run with this input, whose id begins with the schedule's.
    await waitUntil(async () => (await handle.describe()).info.recentActions.length === 1);
    const [started] = (await handle.describe()).info.recentActions;
    const { workflowId } = started!.action.workflow;
    assert.match(workflowId, /^usual-20\d\d-/);
    const { type } = await environment.client.workflow.getHandle(workflowId).describe();
    assert.equal(type, 'downloadRun');
    await environment.client.workflow.getHandle(workflowId).terminate();
  });

  it('refuses in a line, and creates nothing', async () => {
    const refusals: [line: RegExp, ...args: string[]][] = [
      [/^create schedule "wrong": nothing says when — give --cron/, list],
      [/^create schedule "wrong": ids\.txt is no address, and a/, 'ids.txt', '--interval', '1h'],
      [
        /^error: option '--interval <duration>' argument '1\.5s' is invalid/,
        list,
        '--interval',
        '1.5s',
      ],
      [
        /^error: option '--overlap-policy <policy>' argument 'No' is/,
        list,
        '--overlap-policy',
        'No',
      ],
      [
        /^run spec: --workers is neither a number of/,
        list,
        '--interval',
        '1h',
        '--workers',
        'many',
      ],
      [
        /^create schedule "wrong": CronString does not have 5-7 fields$/m,
        list,
        '--cron',
        'at three',
      ],
      [
        /^create schedule "wrong": .*time ?zone/is,
        list,
        '--cron',
        '0 3 * * *',
        '--time-zone',
        'Moon',
      ],
    ];
    for (const [line, ...args] of refusals) {
      await spotloop.refused(line, 'schedule', 'create', 'wrong', ...args, ...to);
    }
    await spotloop.refused(/^error: required option '--to/, 'schedule', 'create', 'wrong', list);
    await answered('create', 'twice', list, ...to, '--interval', '1h');
    await spotloop.refused(
      /^create schedule "twice": there is one of this id — .* temporal schedule delete --schedule-id twice$/m,
      'schedule',
      'create',
      'twice',
      list,
      ...to,
      '--interval',
      '2h',
    );
    await waitUntil(() => exists('twice'));
    assert.equal(await exists('wrong'), false);
  });
});

describe('schedule list', () => {
  it('lists what starts runs and sweeps, and nothing else', async () => {
    for (const [id, type] of [
      ['list-sweep', 'sweepRuns'],
      ['list-other', 'somebodyElses'],
    ] as const) {
      await environment.client.schedule.create({
        scheduleId: id,
        spec: { intervals: [{ every: '1h' }] },
        action: { type: 'startWorkflow', workflowType: type, taskQueue: 'nobody' },
      });
    }
    await answered('create', 'list-run', list, ...to, '--interval', '1h');
    await environment.client.schedule.getHandle('list-run').pause('the bucket\nis being moved');
    const listed = async (): Promise<ListedSchedule[]> => {
      const all = await answered<ListedSchedule[]>('list');
      return all.filter(({ scheduleId }) => scheduleId.startsWith('list-'));
    };
    await waitUntil(async () => (await exists('list-other')) && (await listed()).length === 2);
    await waitUntil(async () => (await listed())[0]?.isPaused === true);
    const [paused, sweep] = await listed();
    assert.deepEqual(
      { ...paused, nextAt: null },
      {
        scheduleId: 'list-run',
        workflowType: 'downloadRun',
        isPaused: true,
        note: 'the bucket\nis being moved',
        nextAt: null,
        last: null,
      },
    );
    assert.equal(sweep?.scheduleId, 'list-sweep');
    const printed = await spotloop.run('schedule', 'list');
    assertPlain(printed);
    assert.match(printed.stdout, /^schedule +starts +state +next +last run\n/);
    assert.match(printed.stdout, /^list-run +downloadRun +paused: the bucket is being moved +20/m);
    assert.match(printed.stdout, /^list-sweep +sweepRuns +active +20\S+ +none yet$/m);
  });

  it('says in a line where there are none, and where nobody answers', async () => {
    const other = 'empty';
    const at = ['--address', environment.address];
    await run(temporalCli, ['operator', 'namespace', 'create', '--namespace', other, ...at]);
    const empty = spotloopWith({
      TEMPORAL_ADDRESS: environment.address,
      TEMPORAL_NAMESPACE: other,
    });
    await waitUntil(async () => (await empty.run('schedule', 'list')).code === 0);
    const { stdout } = await empty.run('schedule', 'list');
    assert.equal(
      stdout,
      'namespace empty has no schedule of runs — make one: spotloop schedule create --help\n',
    );
    const lost = spotloopWith({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
    await lost.refused(/^connect to Temporal at 127\.0\.0\.1:1: no answer/, 'schedule', 'list');
  });
});
