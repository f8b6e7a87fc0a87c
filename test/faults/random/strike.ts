import { setTimeout as sleep } from 'node:timers/promises';
import {
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { ClipRun } from '../../support/clip-run.ts';
import { waitUntil } from '../../support/run-stack.ts';
import { pauseUpdate, resumeUpdate, scaleUpdate } from '../../../workflows/messages.ts';
import type { FaultStack } from '../fault-stack.ts';
import type { RestartableServers } from '../restartable-servers.ts';
import type { SmallDisk } from './small-disk.ts';
import { phaseOf } from './ask.ts';
import type { Fault } from './plan.ts';

/** Where faults strike. */
export type Scene = {
  readonly world: FaultStack;
  readonly servers: RestartableServers;
  readonly disk: SmallDisk;
  /** Sets the clocks of all downloaders: by so many ms they are wrong. */
  readonly setClock: (byMs: number) => Promise<void>;
  /** Runs that are under way. */
  readonly runs: ReadonlySet<ClipRun>;
  /** Takes one by chance. */
  readonly choose: <T>(from: readonly T[]) => T | undefined;
};

/** Makes one thing go wrong and, where it lasts, right again. False when there was nothing for it to hit. */
export async function strike(scene: Scene, fault: Fault): Promise<boolean> {
  const { world, servers, runs, choose } = scene;
  const { queueProxy, storageProxy } = world;
  switch (fault.kind) {
    case 'end-downloader':
      return signal(choose(await world.downloaders()), fault.signal);
    case 'freeze-downloader':
      return freeze(choose(await world.downloaders()), fault.forMs);
    case 'kill-temporal-worker':
      await world.killTemporalWorker();
      return true;
    case 'freeze-temporal-worker':
      return freeze(world.stack.workerPid(), fault.forMs);
    case 'stop-temporal-server':
      await servers.restartTemporalServer(fault.forMs);
      return true;
    case 'cut-queue': {
      const restore = await queueProxy.cut();
      await sleep(fault.forMs);
      await restore();
      return true;
    }
    case 'spoil-queue': {
      const { method, of, how, forMs } = fault;
      const injection = queueProxy.inject({ method, resource: new RegExp(`-${of}$`) }, how);
      await sleep(forMs);
      injection.end();
      return injection.hits() > 0;
    }
    case 'lose-queue':
      await servers.restartEmulator();
      return true;
    case 'spoil-storage': {
      const { how, times } = fault;
      const choice = { method: 'POST', url: /^\/upload\//, times } as const;
      const injection = storageProxy.inject(choice, how);
      await sleep(spoiltUploadsMs);
      injection.end();
      return injection.hits() > 0;
    }
    case 'fill-disk': {
      const makeRoom = await scene.disk.fill();
      await sleep(fault.forMs);
      await makeRoom();
      return true;
    }
    case 'set-clock':
      await scene.setClock(fault.byMs);
      await sleep(fault.forMs);
      await scene.setClock(0);
      return true;
    case 'cancel-run': {
      const run = choose([...runs]);
      return run !== undefined && isTaken(() => run.handle.cancel());
    }
    case 'pause-run': {
      const run = choose([...runs]);
      return run !== undefined && pause(run, fault.forMs);
    }
    case 'scale-run': {
      const run = choose([...runs]);
      const args: [number] = [fault.workers];
      return run !== undefined && isTaken(() => run.handle.executeUpdate(scaleUpdate, { args }));
    }
  }
}

/** Within this some upload comes by, while there is a run. */
const spoiltUploadsMs = 5_000;

function signal(pid: number | undefined, name: NodeJS.Signals): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    // It ended while we looked.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

async function freeze(pid: number | undefined, forMs: number): Promise<boolean> {
  if (!signal(pid, 'SIGSTOP')) return false;
  await sleep(forMs);
  signal(pid, 'SIGCONT');
  return true;
}

/** Pauses a run and, whatever became of the answers, lets it go on. */
async function pause(run: ClipRun, forMs: number): Promise<boolean> {
  const { handle } = run;
  const isPaused = await isTaken(() => handle.executeUpdate(pauseUpdate));
  await sleep(forMs);
  await waitUntil(async () => {
    const phase = await phaseOf(run);
    if (phase === 'paused') await isTaken(() => handle.executeUpdate(resumeUpdate));
    return phase !== undefined && phase !== 'paused';
  });
  return isPaused;
}

/** Whether a run took a message: at its ends it refuses them, and Temporal may be away. */
async function isTaken(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    const isExpected =
      error instanceof WorkflowUpdateFailedError ||
      error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
      error instanceof WorkflowNotFoundError ||
      error instanceof ServiceError;
    if (!isExpected) throw error;
    return false;
  }
}
