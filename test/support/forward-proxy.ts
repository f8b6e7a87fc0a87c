import { createServer, request as toOrigin } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A forward proxy for `http:` addresses that wants a password, as squid and its like have it (RFC 9110, section 11.7). */
export type ForwardProxy = {
  /** `http://USER:PASSWORD@HOST:PORT`. */
  readonly address: string;
  /** Addresses that were asked for through it. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
};

export async function startForwardProxy(userinfo: string): Promise<ForwardProxy> {
  const asked: string[] = [];
  const wanted = `Basic ${Buffer.from(decodeURIComponent(userinfo)).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers['proxy-authorization'] !== wanted) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end();
      return;
    }
    asked.push(request.url ?? '');
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers;
    const forwarded = toOrigin(request.url ?? '', { method: request.method, headers });
    forwarded.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://${userinfo}@127.0.0.1:${port}`,
    asked,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
