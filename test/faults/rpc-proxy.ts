/**
 * A proxy before the Pub/Sub emulator that spoils chosen calls. A proxy of TCP connections could cut and delay, but not tell
 * publishing an outcome from acknowledging an item: between those two a downloader has to die.
 */
import { connect, createServer } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { freePort } from '../../infra/local/free-port.ts';

/** What happens to a call. */
export type RpcFault =
  /** It does not get through, nor is it answered, until the fault ends: then its connection breaks. */
  | 'hold'
  /** It gets through; its answer does not. */
  | 'lose-answer'
  /** It is refused as by a service that is down. */
  | 'refuse'
  /** It is answered with success and does not get through. For calls that answer nothing, such as Acknowledge. */
  | 'swallow';

/** Which calls: their method and the topic or subscription that they name. */
export type RpcChoice = { readonly method: string; readonly resource: RegExp };

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

/** A gRPC message of no bytes, and the trailers of success: github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const emptyMessage = Buffer.alloc(5);
const grpcStatus = { ok: '0', unavailable: '14' } as const;

/** Names of Pub/Sub's resources, which stand as text in every request. */
const resourcePattern = /projects\/[\w-]+\/(?:topics|subscriptions)\/[\w-]+/;

/** Starts a proxy on a free port; the server behind it may come later. */
export async function startRpcProxy(target: string): Promise<RpcProxy> {
  const port = await freePort();
  const rules = new Set<Rule>();
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
    const resource = resourcePattern.exec(body.toString('latin1'))?.[0] ?? '';
    const rule = [...rules].find((one) => one.method === method && one.resource.test(resource));
    if (rule !== undefined) {
      rule.hits += 1;
      if (rule.fault === 'hold') rule.held.add(stream);
      if (rule.fault !== 'lose-answer') rule.reach();
    }
    switch (rule?.fault) {
      case undefined:
        return forward(stream, headers, body);
      case 'hold':
        return;
      case 'refuse':
        return respond(stream, grpcStatus.unavailable, []);
      case 'swallow':
        return respond(stream, grpcStatus.ok, [emptyMessage]);
      case 'lose-answer':
        await once(toTarget().request(headers).end(body).resume(), 'end');
        rule?.reach();
        stream.destroy();
    }
  }

  function forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: Buffer): void {
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

function respond(stream: ServerHttp2Stream, status: string, messages: readonly Buffer[]): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc+proto' },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  for (const message of messages) stream.write(message);
  stream.end();
}
