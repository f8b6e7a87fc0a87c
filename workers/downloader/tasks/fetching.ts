import { MisconfiguredError } from '../../process/environment.ts';
import { secretsOfProxy, withoutSecrets } from '../credentials.ts';

/** How the task `http` asks for an address: directly, or through a proxy. */
export type Fetching = {
  readonly fetch: typeof fetch;
  /** What went wrong, with the proxy in it, whose password stays out. */
  wordsOf(reason: string): string;
};

const direct: Fetching = { fetch, wordsOf: (reason) => reason };

/** @throws MisconfiguredError when the proxy is of a kind that only other tasks can use. */
export async function openFetching(proxy: string | undefined): Promise<Fetching> {
  if (proxy === undefined) return direct;
  if (!/^https?:/i.test(proxy)) {
    throw new MisconfiguredError(
      'proxy of the task http: it is none of http:// or https:// — give SPOTLOOP_PROXY_FILE such a one, or use the task yt-dlp',
    );
  }
  // Node's own fetch takes no proxy of one process only: its setting would send our uploads there, too.
  const undici = await import('undici');
  const dispatcher = new undici.ProxyAgent({ uri: proxy, proxyTunnel: false });
  const secrets = secretsOfProxy(proxy);
  return {
    fetch: ((address: string, init: Parameters<typeof undici.fetch>[1]) =>
      undici.fetch(address, { ...init, dispatcher })) as unknown as typeof fetch,
    wordsOf: (reason) => `through the proxy: ${withoutSecrets(reason, secrets)}`,
  };
}
