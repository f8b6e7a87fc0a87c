import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MisconfiguredError } from '../process/environment.ts';
import type { Log } from '../process/log.ts';
import { textOfAddress } from '../process/metrics-address.ts';
import type { MetricsAddress } from '../process/metrics-address.ts';
import { noMeter } from './meter.ts';
import type { Meter } from './meter.ts';
import type { PrometheusMeter } from './prometheus-meter.ts';
import { messageOf } from './remote-errors.ts';

/** One collector asks, perhaps two; whoever else comes must not cost a downloader its memory. */
const mostConnections = 8;
/** An answer is some 6 KB from memory. */
const requestTimeoutMs = 5_000;

/**
 * Counts, and tells it to whoever asks for `GET /metrics` at the address; counts nothing where there is none. The client is
 * loaded only then: 15 ms of CPU and 3 MB.
 *
 * A port that is taken is told and borne: downloaders on a node's own network meet there, and work is worth more than its numbers.
 * @throws MisconfiguredError when nobody could listen at the address.
 */
export async function openMeter(options: {
  address: MetricsAddress | undefined;
  info: { readonly run: string; readonly downloader: string; readonly task: string };
  log: Log;
}): Promise<Meter> {
  const { address, info, log } = options;
  if (address === undefined) return noMeter;
  const { createPrometheusMeter } = await import('./prometheus-meter.ts');
  const meter = createPrometheusMeter(info);
  const server = createServer((request, response) => {
    tell(meter, request, response).catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'metrics were not told');
      response.destroy();
    });
  });
  server.maxConnections = mostConnections;
  server.requestTimeout = requestTimeoutMs;
  server.headersTimeout = requestTimeoutMs;
  try {
    server.listen({ ...address });
    await once(server, 'listening');
  } catch (cause) {
    refuseUnlessTaken(address, cause);
    log.warn(
      { address: textOfAddress(address) },
      'metrics are not told: another process has the port — set SPOTLOOP_METRICS_ADDRESS to a free one, or to port 0',
    );
    return noMeter;
  }
  const { port } = server.address() as AddressInfo;
  log.info({ address: textOfAddress({ ...address, port }) }, 'metrics are told');
  return { ...meter, close: () => close(server) };
}

function refuseUnlessTaken(address: MetricsAddress, cause: unknown): void {
  if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') return;
  throw new MisconfiguredError(
    `listen for metrics on ${textOfAddress(address)}: ${messageOf(cause)} — set SPOTLOOP_METRICS_ADDRESS to an address of this machine`,
    { cause },
  );
}

async function tell(
  meter: PrometheusMeter,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (url?.split('?', 1)[0] !== '/metrics' || (method !== 'GET' && method !== 'HEAD')) {
    response.writeHead(404).end('metrics are at /metrics\n');
    return;
  }
  const { text, contentType } = await meter.read();
  response.writeHead(200, { 'content-type': contentType }).end(text);
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
