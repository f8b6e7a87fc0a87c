import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowExecutionStatusName } from '@temporalio/client';
import { assertCancelled, assertDone, clips, startRun } from '../../support/clip-run.ts';
import type { ClipRun, Items } from '../../support/clip-run.ts';
import { waitUntil } from '../../support/run-stack.ts';
import { startFaultStack } from '../fault-stack.ts';
import type { FaultStack } from '../fault-stack.ts';
import { restartableServersOf } from '../restartable-servers.ts';
import { planCampaign } from './plan.ts';
import type { Fault, RunShape, Shock } from './plan.ts';
import { clockFileVariable } from '../shift-clock.ts';
import { phaseOf, statusOf } from './ask.ts';
import { mountSmallDisk } from './small-disk.ts';
import { strike } from './strike.ts';
import type { Scene } from './strike.ts';

/** What a campaign came to. */
export type Tally = {
  readonly seed: number;
  readonly minutes: number;
  /** Faults that hit something, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Lists that were done exactly, by one run or, after cancelling, several; and their items. */
  readonly lists: number;
  readonly items: number;
  /** Downloads begun for these, of which one an item is enough. */
  readonly downloads: number;
  /** What is not as it must be: a run each, with the reason. */
  readonly wrong: readonly string[];
};

/** Two at a time: each has up to three downloaders. */
const runsAtOnce = 2;
/** So often that no item is called failed for what the storage did: its own faults are tried elsewhere. */
const attempts = 100;
/** No clip is as large; and what all slots may stage fits the disk. */
const maxItemSize = '1MB';
/** Past the last fault, what a run may still take: three rounds of reconciling, and a client's longest time-out. */
const patienceMs = 600_000;
const minute = 60_000;

const clockModule = new URL('../shift-clock.ts', import.meta.url);
const fetchClip = `import os, sys, urllib.request as u; u.urlretrieve(sys.argv[1] + '/clips/' + os.environ['SPOTLOOP_KEY'] + '.mp4', os.environ['SPOTLOOP_OUTPUT'])`;
const scripts = { clip: `exec python3 -c "${fetchClip}" "$SITE"` };

/** Runs follow each other for so many minutes while faults strike, then until they have ended. */
export async function runCampaign(options: {
  readonly seed: number;
  readonly minutes: number;
  readonly report: (line: string) => void;
}): Promise<Tally> {
  const { seed, minutes, report } = options;
  const { shocks, shapes } = planCampaign(seed);
  const wrong: string[] = [];
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'spotloop-random-'));
  undo.defer(() => rm(folder, { recursive: true }));
  const clockFile = join(folder, 'clock');
  const world = await startFaultStack({
    scripts,
    env: { [clockFileVariable]: clockFile, NODE_OPTIONS: `--import=${clockModule.href}` },
  });
  undo.defer(async () => {
    const areFilesKept = wrong.length > 0;
    if (areFilesKept) report(`logs and objects are kept in ${dirname(world.stack.logFolder)}`);
    await world.stop({ areFilesKept });
  });
  const servers = restartableServersOf(world);
  undo.defer(servers.stop);
  const disk = await mountSmallDisk(world.stack.env['SPOTLOOP_STAGING_FOLDER'] ?? '');
  undo.defer(disk.unmount);

  const startMs = performance.now();
  const lastsMs = minutes * minute;
  const isOver = (): boolean => performance.now() - startMs >= lastsMs;
  const runs = new Set<ClipRun>();
  const inTurn = createTurns();
  // Where the disk is full no run is begun: preflight says so.
  const onDisk = createTurns();
  const faults: Record<string, number> = {};
  const under = new Set<string>();
  const done = { lists: 0, items: 0, downloads: 0 };

  const hit = async ({ fault, place }: Shock): Promise<void> => {
    const group = groupOf(fault);
    if (under.has(group)) return;
    under.add(group);
    try {
      report(describeFault(fault));
      const scene: Scene = {
        world,
        runs,
        choose: (from) => from[Math.floor(place * from.length)],
        servers: {
          ...servers,
          restartEmulator: () => inTurn(servers.restartEmulator),
          restartTemporalServer: (pauseMs) => inTurn(() => servers.restartTemporalServer(pauseMs)),
        },
        disk,
        setClock: (byMs) => writeFile(clockFile, String(byMs)),
      };
      const act = (): Promise<boolean> => strike(scene, fault);
      const didHit = await (fault.kind === 'fill-disk' ? onDisk(act) : act());
      if (didHit) faults[fault.kind] = (faults[fault.kind] ?? 0) + 1;
    } finally {
      under.delete(group);
    }
  };

  const begin = (shape: RunShape, items: Items): Promise<ClipRun> =>
    onDisk(async () => {
      const { workers, concurrency } = shape;
      const task =
        shape.task === 'http'
          ? clips(world)
          : ({ kind: 'command', name: 'clip', extension: 'mp4' } as const);
      const more = { task, workers, concurrency, attempts, maxItemSize };
      const run = await inTurn(() => startRun(world, 'random', items, more));
      await waitUntil(async () => {
        const phase = await phaseOf(run);
        return phase !== undefined && phase !== 'preflight';
      }, patienceMs);
      return run;
    });

  const carryOut = async (shape: RunShape): Promise<void> => {
    const { count, seconds, trouble } = shape;
    const beganMs = performance.now();
    let items: Items = { count, seconds, trouble };
    let times = 0;
    let before: readonly string[] = [];
    for (;;) {
      const run = await begin(shape, items);
      times += 1;
      runs.add(run);
      try {
        const status = await endOf(run, lastsMs + patienceMs);
        runs.delete(run);
        if (status === 'CANCELLED') {
          await inTurn(() => assertCancelled(world, run));
          before = await world.objects(run.prefix);
          items = run;
          continue;
        }
        await inTurn(() => assertDone(world, run, before));
        done.lists += 1;
        done.items += count;
        done.downloads += (await world.asked(run.keys)).reduce((sum, asked) => sum + asked, 0);
        const tookS = (performance.now() - beganMs) / 1_000;
        const inRuns = times === 1 ? '' : ` in ${times} runs`;
        report(`${run.name}: ${count} items, exact after ${tookS.toFixed(0)} s${inRuns}`);
      } catch (error) {
        wrong.push(`${run.name}, ${count} items: ${reasonOf(error)}`);
        report(wrong.at(-1) ?? '');
      } finally {
        runs.delete(run);
      }
      return;
    }
  };

  const disturb = async (): Promise<void> => {
    const lasting: Promise<void>[] = [];
    for (const shock of shocks) {
      await sleep(Math.min(shock.afterMs, Math.max(0, startMs + lastsMs - performance.now())));
      if (isOver()) break;
      lasting.push(hit(shock));
    }
    await Promise.all(lasting);
  };
  const next = shapes.values();
  const keepRunning = async (): Promise<void> => {
    for (const shape of next) {
      await carryOut(shape);
      if (isOver()) break;
    }
  };
  await Promise.all([disturb(), ...Array.from({ length: runsAtOnce }, keepRunning)]);
  wrong.push(...(await leftovers(world)));
  return { seed, minutes, faults, ...done, wrong };
}

/** One after the other: nobody asks a server while somebody else has it restarted. */
function createTurns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** Of what would undo each other, one at a time. */
function groupOf({ kind }: Fault): string {
  switch (kind) {
    case 'kill-temporal-worker':
    case 'freeze-temporal-worker':
      return 'temporal worker';
    case 'pause-run':
    case 'scale-run':
      return 'steering';
    default:
      return kind;
  }
}

function describeFault(fault: Fault): string {
  const { kind, ...how } = fault;
  const words = Object.values(how).map((value) =>
    typeof value === 'object' ? Object.values(value).join(' ') : String(value),
  );
  return `${kind}${words.length === 0 ? '' : ` (${words.join(', ')})`}`;
}

/** What went wrong, with the reasons behind it: a run's failure only says that there is one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
}

/** Waits for the end of a run, and says which. */
async function endOf(
  run: ClipRun,
  forMs: number,
): Promise<WorkflowExecutionStatusName | undefined> {
  let status: WorkflowExecutionStatusName | undefined;
  await waitUntil(async () => {
    status = await statusOf(run);
    return status !== undefined && status !== 'RUNNING';
  }, forMs);
  return status;
}

/** What is there though all runs have ended. */
async function leftovers(world: FaultStack): Promise<string[]> {
  const [queue, downloaders] = [await world.queueLeft(), await world.downloaders()];
  return [
    ...queue.map((name) => `${name} is left`),
    ...downloaders.map((pid) => `downloader ${pid} is left`),
  ];
}
