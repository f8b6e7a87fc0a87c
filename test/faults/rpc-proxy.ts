/**
 * A proxy before a gRPC server, Pub/Sub's emulator or Temporal's, that spoils chosen calls. A proxy of TCP connections could cut and delay, but not tell
 * publishing an outcome from acknowledging an item: between those two a downloader has to die.
 */
import { connect, createServer } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { freePort } from '../../infra/local/free-port.ts';

/** What happens to a call. */
export type RpcFault =
  /** It does not get through, nor is it answered, until the fault ends: then its connection breaks. */
  | 'hold'
  /** It gets through; its answer does not. */
  | 'lose-answer'
  /** It is refused as by a service that is down. */
  | 'refuse'
  /** It is answered with success and does not get through. For Publish, and for calls that answer nothing. */
  | 'swallow';

/** Which calls: their method, the topic or subscription that they name, and what else stands in their requests. */
export type RpcChoice = {
  readonly method: string;
  readonly resource?: RegExp;
  readonly body?: RegExp;
};

/** A fault that is on. */
export type Injection = {
  /** Resolves with the first call that it hits. */
  readonly reached: Promise<void>;
  /** How many it hit. */
  readonly hits: () => number;
  /** Calls pass again from now on; those that were held break. */
  readonly end: () => void;
};

export type RpcProxy = {
  /** `HOST:PORT`, the value for `PUBSUB_EMULATOR_HOST`. */
  readonly host: string;
  readonly inject: (choice: RpcChoice, fault: RpcFault) => Injection;
  /** Counts from now on how often a text stands in the answers to calls that get through; without it those calls. */
  readonly count: (choice: RpcChoice, text?: string) => () => number;
  /** Breaks all connections and refuses new ones until the function that comes back is called. */
  readonly cut: () => Promise<() => Promise<void>>;
  readonly stop: () => Promise<void>;
};

type Rule = RpcChoice & {
  readonly fault: RpcFault;
  hits: number;
  readonly reach: () => void;
  readonly held: Set<ServerHttp2Stream>;
};

type Tally = RpcChoice & { readonly text: string | undefined; count: number };

/** A PublishResponse that gives one message id, `1`: cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1 */
const publishResponse = Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x31]);

/** A gRPC message of no bytes, and the trailers of success: github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const emptyMessage = Buffer.alloc(5);
const grpcStatus = { ok: '0', unavailable: '14' } as const;

/** Names of Pub/Sub's resources, which stand as text in every request. */
const resourcePattern = /projects\/[\w-]+\/(?:topics|subscriptions)\/[\w-]+/;

/** Starts a proxy on a free port; the server behind it may come later. */
export async function startRpcProxy(target: string): Promise<RpcProxy> {
  const port = await freePort();
  const rules = new Set<Rule>();
  const tallies = new Set<Tally>();
  const sessions = new Set<{ destroy(): void }>();
  let upstream: ClientHttp2Session | undefined;

  const toTarget = (): ClientHttp2Session => {
    if (upstream === undefined || upstream.destroyed || upstream.closed) {
      const session = connect(`http://${target}`);
      // Each call on it fails by itself.
      session.on('error', () => {});
      upstream = session;
    }
    return upstream;
  };

  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    handle(stream, headers).catch(() => stream.destroy());
  });

  async function handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const body = await buffer(stream);
    const method = (headers[':path'] ?? '').split('/').at(-1) ?? '';
    const call = { method, text: textOf(body) };
    const rule = [...rules].find((one) => isChosen(one, call));
    if (rule !== undefined) {
      rule.hits += 1;
      if (rule.fault === 'hold') rule.held.add(stream);
      if (rule.fault !== 'lose-answer') rule.reach();
    }
    switch (rule?.fault) {
      case undefined:
        return forward(
          stream,
          headers,
          body,
          [...tallies].filter((one) => isChosen(one, call)),
        );
      case 'hold':
        return;
      case 'refuse':
        return respond(stream, grpcStatus.unavailable, []);
      case 'swallow':
        return respond(stream, grpcStatus.ok, [
          method === 'Publish' ? publishResponse : emptyMessage,
        ]);
      case 'lose-answer':
        await once(toTarget().request(headers).end(body).resume(), 'end');
        rule?.reach();
        stream.destroy();
    }
  }

  function forward(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    body: Buffer,
    counting: readonly Tally[],
  ): void {
    const call = toTarget().request(headers);
    let trailers: IncomingHttpHeaders = {};
    call.on('error', () => stream.destroy());
    stream.on('close', () => call.close());
    call.on('response', (answer, flags) => {
      // Trailers alone: an error without a message.
      const isOver = (flags & 1) === 1;
      stream.respond(answer, { endStream: isOver, waitForTrailers: !isOver });
    });
    call.on('trailers', (last) => {
      trailers = last;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    if (counting.length > 0) {
      const chunks: Buffer[] = [];
      call.on('data', (chunk: Buffer) => chunks.push(chunk));
      call.on('end', () => {
        const answer = Buffer.concat(chunks).toString('latin1');
        for (const one of counting) {
          one.count += one.text === undefined ? 1 : answer.split(one.text).length - 1;
        }
      });
    }
    call.pipe(stream);
    call.end(body);
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const session of sessions) session.destroy();
    await closed;
  };
  return {
    host: `127.0.0.1:${port}`,
    inject: (choice, fault) => {
      const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
      const rule: Rule = { ...choice, fault, hits: 0, reach, held: new Set() };
      rules.add(rule);
      return {
        reached,
        hits: () => rule.hits,
        end: () => {
          rules.delete(rule);
          for (const stream of rule.held) stream.destroy();
        },
      };
    },
    count: (choice, text) => {
      const tally: Tally = { ...choice, text, count: 0 };
      tallies.add(tally);
      return () => tally.count;
    },
    cut: async () => {
      await close();
      return async () => {
        server.listen(port, '127.0.0.1');
        await once(server, 'listening');
      };
    },
    stop: async () => {
      if (server.listening) await close();
      upstream?.destroy();
    },
  };
}

/** What stands in a request, which some clients compress: its one message begins with whether, and its length. */
function textOf(body: Buffer): string {
  const isCompressed = body[0] === 1;
  return (isCompressed ? gunzipSync(body.subarray(emptyMessage.length)) : body).toString('latin1');
}

function isChosen(
  { method, resource, body }: RpcChoice,
  call: { readonly method: string; readonly text: string },
): boolean {
  if (method !== call.method || body?.test(call.text) === false) return false;
  return resource?.test(resourcePattern.exec(call.text)?.[0] ?? '') !== false;
}

function respond(stream: ServerHttp2Stream, status: string, messages: readonly Buffer[]): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc+proto' },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  for (const message of messages) stream.write(message);
  stream.end();
}
