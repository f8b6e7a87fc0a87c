import { Command, InvalidArgumentError, Option } from 'commander';
import { ScheduleAlreadyRunning } from '@temporalio/client';
import type { Client, ScheduleOverlapPolicy } from '@temporalio/client';
import { describeError } from '../activities/cloud-error.ts';
import { staticTextsOf } from '../domain/run-description.ts';
import type { RunSpecInput } from '../domain/run-spec.ts';
import { parseDurationMs } from '../domain/units.ts';
import { isAddress } from './list-file.ts';
import { usualTaskQueue } from './retry.ts';
import { runInputFrom, withRunOptions } from './run-options.ts';
import type { RunOptions } from './run-options.ts';
import { openTemporal } from './temporal.ts';
import { shellWord } from './watch-run.ts';

/** The policies by the names that the temporal command has for them. */
const overlapPolicies = {
  Skip: 'SKIP',
  BufferOne: 'BUFFER_ONE',
  BufferAll: 'BUFFER_ALL',
  CancelOther: 'CANCEL_OTHER',
  TerminateOther: 'TERMINATE_OTHER',
  AllowAll: 'ALLOW_ALL',
} as const satisfies Record<string, ScheduleOverlapPolicy>;

type OverlapPolicy = keyof typeof overlapPolicies;

/** Temporal's own is a year: after a long outage, a year of nights at once. */
const usualCatchupWindowMs = 10 * 60 * 1000;

type Options = RunOptions & {
  readonly cron?: readonly string[];
  readonly interval?: readonly number[];
  readonly timeZone?: string;
  readonly jitter?: number;
  readonly overlapPolicy: OverlapPolicy;
  readonly catchupWindow: number;
  readonly pauseOnFailure?: true;
  readonly taskQueue: string;
  readonly json?: true;
};

/** What `spotloop schedule create --json` prints. Public: a field may be added, none renamed. */
export type CreatedSchedule = {
  readonly scheduleId: string;
  readonly taskQueue: string;
  readonly input: RunSpecInput;
  /** ISO 8601, the next first; none where there are none any more. */
  readonly nextAt: readonly string[];
  /** The command of Temporal that creates the same. */
  readonly sameAs: string;
};

/** `spotloop schedule create`: runs again and again. */
export function scheduleCreateCommand(): Command {
  const command = new Command('create')
    .description('Creates a schedule of Temporal that starts a run at each of its times.')
    .argument('<schedule-id>', 'also the beginning of the workflow id of each run')
    .argument('<list>', "the list's address: gs://…, https://…, yt-dlp+https://…; read each time");
  return withRunOptions(command)
    .option('--cron <expression>', 'when, as cron writes it; may be given again', collect)
    .option('--interval <duration>', 'how often: 90m, 6h; may be given again', collectDurations)
    .option('--time-zone <name>', 'of --cron (default: UTC)')
    .option('--jitter <duration>', 'start at a random moment within it', parseDuration)
    .addOption(
      new Option('--overlap-policy <policy>', 'when the run before goes on still')
        .choices(Object.keys(overlapPolicies))
        .default('Skip'),
    )
    .addOption(
      new Option(
        '--catchup-window <duration>',
        'what is due while Temporal is away is started so late',
      )
        .default(usualCatchupWindowMs, '10m')
        .argParser(parseDuration),
    )
    .option('--pause-on-failure', 'after a run that failed, none until somebody resumes it')
    .option('--task-queue <name>', "the Temporal worker's", usualTaskQueue)
    .option('--json', 'print what was created as JSON')
    .addHelpText(
      'after',
      `
It prints the equal command of Temporal. A run does what is not in the destination yet.

Examples:
  spotloop schedule create nightly gs://my-bucket/youtube-ids --to gs://my-bucket/videos/ \\
    --cron '0 3 * * *' --time-zone Europe/Zurich --jitter 10m --pause-on-failure
  spotloop schedule create channel 'yt-dlp+https://www.youtube.com/@GoogleDevelopers/videos' \\
    --to gs://my-bucket/videos/ --interval 6h`,
    )
    .action(async (scheduleId: string, list: string, options: Options) => {
      checkOrder(scheduleId, list, options);
      const { input } = runInputFrom(list, options);
      const { client, close } = await openTemporal();
      try {
        const created = await createSchedule(client, { scheduleId, input, options });
        process.stdout.write(
          options.json === true ? `${JSON.stringify(created, null, 2)}\n` : describe(created),
        );
      } finally {
        await close();
      }
    });
}

/** @throws Error in one line when it can be no schedule. */
function checkOrder(scheduleId: string, list: string, { cron, interval }: Options): void {
  const doing = `create schedule "${scheduleId}"`;
  if (!isAddress(list)) {
    throw new Error(
      `${doing}: ${list} is no address, and a schedule reads its list each time — put it into a bucket and give its address, gs://…`,
    );
  }
  if (cron === undefined && interval === undefined) {
    throw new Error(`${doing}: nothing says when — give --cron '0 3 * * *' or --interval 6h`);
  }
}

type Order = {
  readonly scheduleId: string;
  readonly input: RunSpecInput;
  readonly options: Options;
};

async function createSchedule(client: Client, order: Order): Promise<CreatedSchedule> {
  const { scheduleId, input, options } = order;
  const { cron, interval, timeZone, jitter, overlapPolicy, catchupWindow, taskQueue } = options;
  try {
    await client.schedule.create({
      scheduleId,
      spec: {
        ...(cron === undefined ? {} : { cronExpressions: [...cron] }),
        ...(interval === undefined ? {} : { intervals: interval.map((every) => ({ every })) }),
        ...(timeZone === undefined ? {} : { timezone: timeZone }),
        ...(jitter === undefined ? {} : { jitter }),
      },
      policies: {
        overlap: overlapPolicies[overlapPolicy],
        catchupWindow,
        pauseOnFailure: options.pauseOnFailure === true,
      },
      action: {
        type: 'startWorkflow',
        workflowType: 'downloadRun',
        workflowId: scheduleId,
        taskQueue,
        args: [input],
        ...summaryOf(input),
      },
    });
  } catch (cause) {
    const id = shellWord(scheduleId);
    const reason =
      cause instanceof ScheduleAlreadyRunning
        ? `there is one of this id — choose another, or first: temporal schedule delete --schedule-id ${id}`
        : describeError(cause);
    throw new Error(`create schedule "${scheduleId}": ${reason}`, { cause });
  }
  const nextAt = await readNextTimes(client, scheduleId);
  return { scheduleId, taskQueue, input, nextAt, sameAs: sameAs(order) };
}

async function readNextTimes(client: Client, scheduleId: string): Promise<string[]> {
  try {
    const { info } = await client.schedule.getHandle(scheduleId).describe();
    return info.nextActionTimes.map((at) => at.toISOString());
  } catch (cause) {
    throw new Error(
      `look at schedule "${scheduleId}", which is created: ${describeError(cause)} — see: temporal schedule describe --schedule-id ${shellWord(scheduleId)}`,
      { cause },
    );
  }
}

/** What the Web UI shows of each run; the details would make the equal command unreadable. */
function summaryOf(input: RunSpecInput): { readonly staticSummary?: string } {
  const { staticSummary } = staticTextsOf(input);
  return staticSummary === undefined ? {} : { staticSummary };
}

function sameAs({ scheduleId, input, options }: Order): string {
  const { cron = [], interval = [], timeZone, jitter } = options;
  const { staticSummary } = summaryOf(input);
  const words = [
    '--schedule-id',
    scheduleId,
    '--workflow-id',
    scheduleId,
    ...cron.flatMap((expression) => ['--cron', expression]),
    ...interval.flatMap((ms) => ['--interval', durationWord(ms)]),
    ...(timeZone === undefined ? [] : ['--time-zone', timeZone]),
    ...(jitter === undefined ? [] : ['--jitter', durationWord(jitter)]),
    '--overlap-policy',
    options.overlapPolicy,
    '--catchup-window',
    durationWord(options.catchupWindow),
    ...(options.pauseOnFailure === true ? ['--pause-on-failure'] : []),
    '--type',
    'downloadRun',
    '--task-queue',
    options.taskQueue,
    ...(staticSummary === undefined ? [] : ['--static-summary', staticSummary]),
    '--input',
    JSON.stringify(input),
  ];
  return `temporal schedule create ${words.map(shellWord).join(' ')}`;
}

/** 5400000 → "1h30m", as Temporal's command reads it: whole, unlike what is written for people. */
function durationWord(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join('');
}

function describe({ scheduleId, input, nextAt, sameAs: same }: CreatedSchedule): string {
  const lines = [
    `created  ${scheduleId}`,
    `list     ${String(input.items)}`,
    `next     ${nextAt[0] ?? 'never'}`,
    `same as  ${same}`,
  ];
  return `${lines.join('\n')}\n`;
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function collectDurations(text: string, before: readonly number[] = []): number[] {
  return [...before, parseDuration(text)];
}

/** Schedules count in seconds. */
function parseDuration(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === null || durationMs < 1000 || durationMs % 1000 !== 0) {
    throw new InvalidArgumentError('a duration is whole seconds, one at least: 90m, 6h');
  }
  return durationMs;
}
