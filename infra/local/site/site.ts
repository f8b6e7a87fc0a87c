/**
 * The sample video site: a video for every id there is, on loopback, so that the local stack works without the internet.
 *
 *   GET  /watch?v=ID      the page              watch-page.ts
 *   GET  /clips/ID.mp4    the file              send-clip.ts, clip.ts
 *   GET  /beside/ID/NAME  its poster, subtitles beside.ts
 *   GET  /playlist?list=NAME   a feed of pages  playlists.ts
 *   POST /playlists       what one holds: { "name": "NAME", "ids": ["ID"] }
 *   POST /behaviour       misbehave for an id   behaviours.ts
 *   GET  /requests        who was asked for how often: { "ID": { "watch": 1, "clip": 1, "complete": 1 } }
 *   GET  /log             the last requests of pages and clips: [{ "atMs": 1763000000000, "id": "ID", "as": "throttled" }]
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { freePort } from '../free-port.ts';
import { Behaviours, parseBehaviour } from './behaviours.ts';
import type { Behaviour } from './behaviours.ts';
import { fileBeside, parseBesidePath } from './beside.ts';
import { parsePlaylist, playlistPage } from './playlists.ts';
import { sendClip } from './send-clip.ts';
import { usualSides, watchPage } from './watch-page.ts';
import type { PageSides } from './watch-page.ts';

/** A running sample site. */
export type Site = {
  /** `http://127.0.0.1:PORT`. */
  address: string;
  stop: () => Promise<void>;
};

/** Requests for one id: of its page, of its clip (HEAD not counted), and of its clip sent to the end. */
export type RequestCount = {
  watch: number;
  clip: number;
  complete: number;
};

/** A request of a page or clip, and as what it was answered: a behaviour's kind. */
export type LoggedRequest = { atMs: number; id: string; as: Behaviour['kind'] };

/** Requests that the log keeps: some MB. */
const maxLogged = 50_000;

/** Starts the site; `gone` are ids that it answers 404 for, `playlists` what it has from the start. */
export async function startSite(options: {
  port?: number;
  gone?: Iterable<string>;
  playlists?: Readonly<Record<string, readonly string[]>>;
}): Promise<Site> {
  const port = options.port ?? (await freePort());
  const behaviours = new Behaviours();
  const counts = new Map<string, RequestCount>();
  const log: LoggedRequest[] = [];
  const playlists = new Map(Object.entries(options.playlists ?? {}));
  for (const id of options.gone ?? []) behaviours.set({ id, kind: 'gone', seconds: 0 });

  const server = createServer((request, response) => {
    answer(request, response, { behaviours, counts, log, playlists }).catch((error: unknown) => {
      // A client that goes away in the middle is its own affair.
      if (!response.headersSent) sendText(response, 500, String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new Error(`start the sample site on port ${port}: ${cause.message}`, { cause })),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    address: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type State = {
  behaviours: Behaviours;
  counts: Map<string, RequestCount>;
  log: LoggedRequest[];
  playlists: Map<string, readonly string[]>;
};

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { behaviours, counts, log, playlists }: State,
): Promise<void> {
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'site'}`);
  if (request.method === 'POST' && url.pathname === '/behaviour') {
    return take(request, response, (body) => behaviours.set(parseBehaviour(body)));
  }
  if (request.method === 'POST' && url.pathname === '/playlists') {
    return take(request, response, (body) => {
      const { name, ids } = parsePlaylist(body);
      playlists.set(name, ids);
    });
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return sendText(response, 405, 'only GET, HEAD, and POST /behaviour and /playlists');
  }
  if (url.pathname === '/playlist') {
    const name = url.searchParams.get('list') ?? '';
    const ids = playlists.get(name);
    if (ids === undefined) return sendText(response, 404, 'no such playlist');
    response.setHeader('content-type', 'application/rss+xml; charset=utf-8');
    response.end(playlistPage({ name, ids: [...ids] }, url.origin));
    return;
  }
  const beside = parseBesidePath(url.pathname);
  if (beside !== null) return sendBeside(response, beside, behaviours);
  if (url.pathname === '/requests') return sendJson(response, Object.fromEntries(counts));
  if (url.pathname === '/log') return sendJson(response, log);
  const isClip = url.pathname.startsWith('/clips/');
  const id = isClip ? clipId(url.pathname) : url.pathname === '/watch' && url.searchParams.get('v');
  if (!id) return sendText(response, 404, 'no such page: try /watch?v=ID or /clips/ID.mp4');

  const count = counts.get(id) ?? { watch: 0, clip: 0, complete: 0 };
  counts.set(id, count);
  if (request.method === 'GET') count[isClip ? 'clip' : 'watch']++;
  const behaviour = behaviours.take(id, isClip);
  log.push({ atMs: Date.now(), id, as: behaviour?.kind ?? 'normal' });
  if (log.length > maxLogged) log.shift();
  if (behaviour !== undefined && refuse(request, response, behaviour)) return;
  if (isClip) {
    if (await sendClip(request, response, { id, behaviour })) count.complete++;
  } else {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(watchPage(id, sidesOf(behaviours, id)));
  }
}

function sidesOf(behaviours: Behaviours, id: string): PageSides {
  const kind = behaviours.see(id);
  if (kind === 'bare') return { languages: [] };
  return kind === 'odd-poster' ? { ...usualSides, poster: 'poster.php' } : usualSides;
}

function sendBeside(
  response: ServerResponse,
  { id, name }: { id: string; name: string },
  behaviours: Behaviours,
): void {
  const file = behaviours.see(id) === 'sideless' ? undefined : fileBeside(name);
  if (file === undefined) return sendText(response, 404, 'no such file');
  response.writeHead(200, { 'content-type': file.type }).end(file.content);
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  order: (body: string) => void,
): Promise<void> {
  try {
    order(await text(request));
    response.writeHead(204).end();
  } catch (error) {
    sendText(response, 400, error instanceof Error ? error.message : String(error));
  }
}

/** Answers for the kinds that are a status; false when there is a body to send after all. */
function refuse(request: IncomingMessage, response: ServerResponse, behaviour: Behaviour): boolean {
  switch (behaviour.kind) {
    case 'gone':
      // In the status line too, which is what yt-dlp repeats.
      response.statusMessage = 'Video unavailable';
      sendText(response, 404, 'Video unavailable');
      return true;
    case 'removed':
      sendText(response, 410, 'This video was removed');
      return true;
    case 'forbidden':
      sendText(response, 403, 'This video is private');
      return true;
    case 'throttled':
      if (behaviour.retryAfterSeconds !== undefined) {
        response.setHeader('retry-after', behaviour.retryAfterSeconds);
      }
      sendText(response, 429, 'Too many requests');
      return true;
    case 'bot-check':
      response.statusMessage = "Sign in to confirm you're not a bot";
      sendText(response, 403, "Sign in to confirm you're not a bot. <captcha>");
      return true;
    case 'members': {
      const session = /(?:^|; )session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1];
      // As sites do: a cookie that yt-dlp writes back into its file.
      response.setHeader('set-cookie', `visit=${Date.now()}; Max-Age=3600`);
      if (session === 'valid') return false;
      // In yt-dlp's own words for YouTube, which it takes from no site but repeats here.
      response.statusMessage =
        session === undefined
          ? 'Sign in to see what is for members only'
          : 'The provided account cookies are no longer valid';
      sendText(response, 403, response.statusMessage);
      return true;
    }
    case 'failing':
      sendText(response, 500, 'Something went wrong');
      return true;
    default:
      return false;
  }
}

function clipId(pathname: string): string | undefined {
  const encoded = /^\/clips\/([^/]+)\.mp4$/.exec(pathname)?.[1];
  try {
    return encoded && decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

function sendText(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${body}\n`);
}
