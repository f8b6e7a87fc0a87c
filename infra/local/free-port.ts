import { createServer } from 'node:net';

/** Below Linux's range for outgoing connections (32768 up), so that none of those takes the port meanwhile. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
/** A twelfth of a crowded machine's ports would have to be taken for this many misses in a row. */
const MOST_TRIES = 50;

/** A TCP port on 127.0.0.1 that nothing listens on at this moment, never the same one twice. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (given.has(port)) continue;
    if (await canListen(port)) {
      given.add(port);
      return port;
    }
  }
  throw new Error(
    `find a free port on 127.0.0.1: none of ${MOST_TRIES} tried between ${FIRST_PORT} and ${LAST_PORT} — close some servers`,
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
