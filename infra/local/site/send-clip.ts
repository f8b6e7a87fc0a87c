import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour } from './behaviours.ts';
import { clipOf } from './clip.ts';

/** Steps of a slow body: smooth enough for a progress display, few enough to cost nothing. */
const slowSteps = 20;
/** Far more than any client rounds away. */
const lieBytes = 10_000;
/** What Content-Length says too much. */
const lies: Readonly<Partial<Record<Behaviour['kind'], number>>> = {
  lying: lieBytes,
  surplus: -lieBytes,
};
/** An endless body grows by a clip each time: some MB/s, so that a size limit is reached soon but memory isn't eaten. */
const endlessPauseMs = 20;

/** Answers with an id's clip, or the part of it that was asked for; true when all of that was sent. */
export async function sendClip(
  request: IncomingMessage,
  response: ServerResponse,
  options: { id: string; behaviour: Behaviour | undefined },
): Promise<boolean> {
  const clip = clipOf(options.id);
  response.setHeader('content-type', 'video/mp4');
  response.setHeader('accept-ranges', 'bytes');
  const range = parseRange(request.headers.range, clip.length);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${clip.length}` }).end();
    return false;
  }
  if (range !== undefined) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${range.first}-${range.last}/${clip.length}`);
  }
  const body = range === undefined ? clip : clip.subarray(range.first, range.last + 1);
  const { kind, seconds = 0 } = options.behaviour ?? {};
  if (kind === 'circling') {
    response.writeHead(302, { location: request.url }).end();
    return false;
  }
  if (kind !== 'endless') {
    response.setHeader(
      'content-length',
      body.length + (kind === undefined ? 0 : (lies[kind] ?? 0)),
    );
  }
  if (request.method === 'HEAD') {
    response.end();
    return false;
  }
  switch (kind) {
    case 'slow':
      await writeSlowly(response, body, seconds);
      break;
    case 'hanging':
      response.write(body.subarray(0, Math.floor(body.length / 2)));
      return false;
    case 'resetting':
      response.write(body.subarray(0, Math.floor(body.length / 2)), () =>
        response.socket?.resetAndDestroy(),
      );
      return false;
    case 'broken':
      response.write(body.subarray(0, Math.floor(body.length / 2)), () =>
        response.socket?.destroy(),
      );
      return false;
    case 'lying':
      // Ends the connection in good order: the client has to notice by counting.
      response.write(body, () => response.socket?.end());
      return false;
    case 'endless':
      await writeForEver(response, body);
      return false;
    default:
      response.end(body);
  }
  return !response.destroyed;
}

async function writeSlowly(response: ServerResponse, body: Buffer, seconds: number): Promise<void> {
  const step = Math.ceil(body.length / slowSteps);
  for (let at = 0; at < body.length && !response.destroyed; at += step) {
    await sleep((seconds * 1000) / slowSteps);
    response.write(body.subarray(at, at + step));
  }
  response.end();
}

async function writeForEver(response: ServerResponse, body: Buffer): Promise<void> {
  while (!response.destroyed) {
    if (!response.writableNeedDrain) response.write(body);
    await sleep(endlessPauseMs);
  }
}

/** One range of bytes (RFC 9110, 14.1.2), inclusive; several ranges and other units are ignored, as they may be. */
function parseRange(
  header: string | undefined,
  length: number,
): { first: number; last: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [from, to] = [match[1]!, match[2]!];
  const first = from === '' ? Math.max(0, length - Number(to)) : Number(from);
  const last = from === '' || to === '' ? length - 1 : Math.min(Number(to), length - 1);
  return first > last ? 'unsatisfiable' : { first, last };
}
