/**
 * The machine of a node: a process namespace, whose end is the end of all its processes at once, and a mount namespace, so
 * that kubelet, containerd and the network plug-ins leave nothing in this machine's /run and /var. Only cgroups and the
 * network are shared: see node-traces.ts.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runStep } from '../install/run-step.ts';
import { startProcess } from '../process.ts';
import type { ProcessOptions, RunningProcess } from '../process.ts';

const script = fileURLToPath(new URL('node-machine.sh', import.meta.url));

/** A node's machine that is on. */
export type NodeMachine = {
  /** Starts a program in it, which ends with it. */
  start: (options: ProcessOptions) => Promise<void>;
  /** Starts a program that sees its files but is no process of it, so that the pid is known and can be signalled. */
  startBeside: (options: ProcessOptions) => Promise<RunningProcess>;
  /** Runs a command in it to its end; `input` is a file of ours. */
  run: (doing: string, command: readonly string[], input: string) => Promise<void>;
  /** The power fails: SIGKILL to every process of it at the same moment. Resolves when all are gone. */
  powerOff: () => Promise<void>;
};

/** Starts an empty machine; files that a program in it is to read may be put into `folder` before. */
export async function startNodeMachine(options: {
  name: string;
  folder: string;
  /** Holds all programs. */
  programFolder: string;
  pause: string;
  logFolder: string;
}): Promise<NodeMachine> {
  const { name, folder, programFolder, pause, logFolder } = options;
  await mkdir(join(folder, 'own'), { recursive: true });
  const first = await startProcess({
    name,
    command: 'unshare',
    args: [
      '--mount',
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child',
      '--propagation=private',
      'sh',
      script,
      folder,
      programFolder,
      pause,
    ],
    logFile: join(logFolder, `${name}.log`),
    ready: { kind: 'line', test: (line) => line === 'ready' },
  });
  const mounts = `--mount=/proc/${first.pid}/ns/mnt`;
  const processes = `--pid=/proc/${first.pid}/ns/pid_for_children`;
  const inside: RunningProcess[] = [first];
  const beside: RunningProcess[] = [];
  const enter = (namespaces: string[], program: ProcessOptions): Promise<RunningProcess> => {
    const { command, args } = program;
    return startProcess({
      ...program,
      command: 'nsenter',
      args: [...namespaces, '--', command, ...args],
    });
  };
  return {
    start: async (program) => {
      inside.push(await enter([mounts, processes], program));
    },
    startBeside: async (program) => {
      const started = await enter([mounts], program);
      beside.push(started);
      return started;
    },
    run: async (doing, command, input) => {
      await runStep({
        doing,
        command: 'sh',
        args: [
          '-c',
          'exec <"$1"; shift; exec "$@"',
          'sh',
          input,
          'nsenter',
          mounts,
          processes,
          '--',
          ...command,
        ],
        hint: `see the logs in ${logFolder}`,
      });
    },
    powerOff: async () => {
      kill(first.pid);
      await Promise.all(beside.map((one) => one.stop()));
      await Promise.all(inside.map((one) => one.ended));
    },
  };
}

function kill(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
