import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * A name that only one process of a machine can listen on. It is no file (the 0 says so): the kernel frees it with the
 * process that has it, however that dies.
 */
const clusterLock = '\0spotloop-cluster';
/** Whoever has the lock answers at once, unless it is busy or stopped. */
const answerMs = 2_000;

/**
 * Takes the machine for this process and gives back how to release it; throws when another cluster of ours runs, with its
 * process and folder. A test that must not meet real clusters has a lock of another name.
 */
export async function lockMachine(
  folder: string,
  lockName: string = clusterLock,
): Promise<() => Promise<void>> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`process ${process.pid} in ${folder}`);
  });
  try {
    server.listen(lockName);
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(
      `start a cluster in ${folder}: one is running on this machine already (${await askHolder(lockName)}) — stop it first`,
      { cause: error },
    );
  }
  server.unref();
  return async () => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
}

function askHolder(lockName: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(lockName);
    let answer = '';
    const finish = (): void => resolve(answer || 'which process is unknown');
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.setTimeout(answerMs, () => socket.destroy());
    socket.once('error', finish).once('close', finish);
  });
}
