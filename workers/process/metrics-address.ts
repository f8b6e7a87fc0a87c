import { isIP } from 'node:net';
import { z } from 'zod';

/** Where a process listens for whoever collects its metrics. */
export type MetricsAddress = { readonly host: string; readonly port: number };

const highestPort = 65_535;

/**
 * `ADDRESS:PORT`, an IPv6 address in brackets; no host's name, which Temporal's runtime does not look up. Unset and empty mean
 * that nothing is told: a process that nobody collects from listens nowhere.
 */
export const metricsAddress = z
  .string()
  .default('')
  .transform((text, context): MetricsAddress | undefined => {
    if (text === '') return undefined;
    const { v4, v6, port } =
      /^(?:\[(?<v6>.+)\]|(?<v4>[^:]+)):(?<port>\d+)$/.exec(text)?.groups ?? {};
    const host = v6 ?? v4 ?? '';
    if (isIP(host) === (v6 === undefined ? 4 : 6) && Number(port) <= highestPort) {
      return { host, port: Number(port) };
    }
    context.addIssue({
      code: 'custom',
      message: `is "${text}", which is not an IP address with a port — set it to 127.0.0.1:9464, 0.0.0.0:9464 or [::]:9464, for example`,
    });
    return z.NEVER;
  });

/** As a client writes it. */
export function textOfAddress({ host, port }: MetricsAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
