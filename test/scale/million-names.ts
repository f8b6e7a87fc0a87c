/**
 * A storage server that holds as many objects as one likes: `node million-names.ts COUNT LATENCY_MS BACKEND`. Whatever is below
 * `stored/` it answers itself, as Cloud Storage does for an object list (1,000 names a page, `startOffset`, `endOffset`); all else goes on to the
 * storage server at BACKEND. It prints its port, and on `GET /requests` how many pages it gave.
 */
import { Agent, createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { nameOf, prefix } from './stored-ids.ts';

/** What Cloud Storage gives at most, whatever is asked for. */
const mostNames = 1_000;

const [, , count = '0', latencyMs = '0', backend = ''] = process.argv;
const names = Array.from({ length: Number(count) }, (_, at) => nameOf(at)).toSorted((a, b) =>
  a < b ? -1 : 1,
);
let pages = 0;

/** The place of the first name that is not below this one. */
function placeOf(name: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (names[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function sendPage(url: URL, response: ServerResponse): Promise<void> {
  pages += 1;
  const { searchParams } = url;
  const from = searchParams.get('pageToken') ?? searchParams.get('startOffset') ?? '';
  const end = searchParams.get('endOffset');
  const first = placeOf(from);
  const last = end === null ? names.length : placeOf(end);
  const next = Math.min(first + mostNames, Math.max(first, last));
  const items = names.slice(first, next).map((name) => ({ name }));
  await sleep(Number(latencyMs));
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ items, ...(next < last ? { nextPageToken: names[next] } : {}) }));
}

const agent = new Agent({ keepAlive: true });

function passOn(incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url } = incoming;
  const outgoing = request(`${backend}${url}`, { method, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.once('error', () => response.destroy());
  incoming.pipe(outgoing);
}

const server = createServer((incoming, response) => {
  const url = new URL(incoming.url ?? '/', 'http://server');
  if (url.pathname === '/requests') response.end(String(pages));
  else if (url.pathname.endsWith('/o') && url.searchParams.get('prefix') === prefix) {
    void sendPage(url, response);
  } else passOn(incoming, response);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
// Whoever started us holds the other end.
process.stdin.resume().once('end', () => process.exit());
