/** A proxy before the storage server that spoils chosen requests. */
import { createServer, request as toServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { freePort } from '../../infra/local/free-port.ts';

/** What happens to a request. */
export type StorageFault =
  /** It is answered with this status, and does not get through. */
  | { readonly kind: 'status'; readonly status: number }
  /** It is never answered, and does not get through. */
  | { readonly kind: 'hang' }
  /** Its connection breaks after so many bytes of its body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** It gets through when that resolves. */
  | { readonly kind: 'late'; readonly until: Promise<unknown> }
  /** It gets through; its connection breaks before the answer. */
  | { readonly kind: 'lose-answer' };

/** The next so many requests of a method whose URL is like this. */
export type StorageChoice = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  readonly url: RegExp;
  readonly times: number;
};

/** A fault that is on. */
export type StorageInjection = {
  /** How many requests it hit. */
  readonly hits: () => number;
  /** Requests pass again from now on; what was hit stays so. */
  readonly end: () => void;
};

export type StorageProxy = {
  /** `http://HOST:PORT`, the value for `STORAGE_EMULATOR_HOST`. */
  readonly endpoint: string;
  readonly inject: (choice: StorageChoice, fault: StorageFault) => StorageInjection;
  readonly stop: () => Promise<void>;
};

type Rule = Omit<StorageChoice, 'times'> & {
  readonly fault: StorageFault;
  hits: number;
  left: number;
};

/** Starts a proxy on a free port; the server behind it, `http://HOST:PORT`, may come later. */
export async function startStorageProxy(target: string): Promise<StorageProxy> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const rules: Rule[] = [];
  const server = createServer((request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    const rule = rules.find(
      ({ method, url, left }) =>
        left > 0 && method === request.method && url.test(request.url ?? ''),
    );
    if (rule !== undefined) {
      rule.left -= 1;
      rule.hits += 1;
    }
    if (rule?.fault.kind !== 'late') handle(request, response, rule?.fault);
    else void rule.fault.until.then(() => handle(request, response, undefined));
  });

  function handle(
    request: IncomingMessage,
    response: ServerResponse,
    fault: StorageFault | undefined,
  ): void {
    if (request.headers['content-range'] === 'bytes */*') {
      // The server takes the question of how much of an upload it has for the upload's end. Cloud Storage says that it goes
      // on, and with no range that it has nothing: cloud.google.com/storage/docs/performing-resumable-uploads#status-check
      return void response.writeHead(308).end();
    }
    if (fault?.kind === 'hang') return void request.resume();
    if (fault?.kind === 'status') {
      request.resume();
      const error = { code: fault.status, message: 'injected' };
      response.writeHead(fault.status, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify({ error }));
    }
    const { host } = new URL(target);
    const onward = toServer(`${target}${request.url}`, {
      method: request.method,
      headers: { ...request.headers, host },
    });
    onward.on('error', () => request.socket.destroy());
    onward.on('response', (answer) => {
      if (fault?.kind === 'lose-answer') return void request.socket.destroy();
      const { location } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, {
        ...answer.headers,
        // Of an upload that is to be continued: by this way, too.
        ...(location === undefined ? {} : { location: location.replace(target, endpoint) }),
      });
      answer.pipe(response);
    });
    if (fault?.kind === 'cut') {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes >= fault.afterBytes) {
          onward.destroy();
          request.socket.destroy();
        }
      });
    }
    request.pipe(onward);
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint,
    inject: ({ times, ...choice }, fault) => {
      const rule: Rule = { ...choice, fault, hits: 0, left: times };
      rules.push(rule);
      return {
        hits: () => rule.hits,
        end: () => {
          rule.left = 0;
        },
      };
    },
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
