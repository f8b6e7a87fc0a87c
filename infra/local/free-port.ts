import { createServer } from 'node:net';

/** Below Linux's range for outgoing connections (32768 up), so that none of those takes the port meanwhile. */
const firstPort = 20_000;
const lastPort = 32_000;
/** A twelfth of a crowded machine's ports would have to be taken for this many misses in a row. */
const mostTries = 50;

/** A TCP port on 127.0.0.1 that nothing listens on at this moment, never the same one twice. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    if (given.has(port)) continue;
    if (await canListen(port)) {
      given.add(port);
      return port;
    }
  }
  throw new Error(
    `find a free port on 127.0.0.1: none of ${mostTries} tried between ${firstPort} and ${lastPort} — close some servers`,
  );
}

const given = new Set<number>();

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
