import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCookieFile } from '../../domain/cookie-file.ts';
import { MisconfiguredError } from '../process/environment.ts';
import { messageOf } from './remote-errors.ts';

/**
 * What a site is asked with, besides the item: cookies and a proxy. Both come from files that the operator mounts, such as from a
 * Secret; nothing of their content is in a run's input, in a log, or in an error.
 */
export type Credentials = {
  /** Where cookies come from; undefined where there are none. */
  readonly cookiesFile: string | undefined;
  /** The proxy's address, with its password if it has one. */
  readonly proxy: string | undefined;
};

export const noCredentials: Credentials = { cookiesFile: undefined, proxy: undefined };

/** Cookies as an attempt uses them. */
export type Cookies = {
  /** A copy of this attempt alone: yt-dlp writes back what the site changed. */
  readonly path: string;
  /** What must appear nowhere. */
  readonly secrets: readonly string[];
  /** All of it, to see when it was renewed. */
  readonly text: string;
};

const proxyProtocols = ['http:', 'https:', 'socks4:', 'socks4a:', 'socks5:', 'socks5h:'];

/** Nobody but us. */
const ownFileMode = 0o600;

/**
 * Reads both once, so that what cannot work is told at the start.
 * @throws MisconfiguredError in one line that names the file, and shows nothing of it.
 */
export async function readCredentials(files: {
  readonly cookies: string | undefined;
  readonly proxy: string | undefined;
}): Promise<Credentials> {
  if (files.cookies !== undefined) await readCookies(files.cookies);
  return {
    cookiesFile: files.cookies,
    proxy: files.proxy === undefined ? undefined : await readProxy(files.proxy),
  };
}

/**
 * Copies the cookies as they are now, so that renewed ones are used from the next item on.
 * @throws MisconfiguredError when the file is not there any more, or wrong.
 */
export async function copyCookies(file: string, folder: string): Promise<Cookies> {
  const { text, values } = await readCookies(file);
  const path = join(folder, 'cookies.txt');
  await writeFile(path, text, { mode: ownFileMode, flag: 'wx' });
  return { path, secrets: values, text };
}

async function readCookies(file: string): Promise<{ text: string; values: readonly string[] }> {
  const text = await read(file, 'cookies', 'SPOTLOOP_COOKIES_FILE');
  const cookies = parseCookieFile(text, Date.now());
  if (cookies.kind === 'cookies') return { text, values: cookies.values };
  throw new MisconfiguredError(`cookies file ${file}: ${cookies.problem}`);
}

async function readProxy(file: string): Promise<string> {
  const text = (await read(file, 'proxy', 'SPOTLOOP_PROXY_FILE')).trim();
  if (isProxyAddress(text)) return text;
  throw new MisconfiguredError(
    `proxy file ${file}: it does not hold the address of a proxy — write one line like http://USER:PASSWORD@HOST:PORT, or with socks5://`,
  );
}

function isProxyAddress(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.hostname === '' || !proxyProtocols.includes(url.protocol)) return false;
  try {
    decodeURIComponent(url.username + url.password);
    return !/\s/.test(text);
  } catch {
    // A "%" that is none, and stands for itself.
    return false;
  }
}

async function read(file: string, what: string, setting: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MisconfiguredError(
      `${what} file ${file}: ${messageOf(cause)} — mount it, or correct ${setting}`,
      { cause },
    );
  }
}

/** Shorter ones are words that texts hold anyway, such as "1" or "en". */
const shortestSecret = 6;

/** A proxy's address, and the parts of it by which somebody could use it. */
export function secretsOfProxy(proxy: string | undefined): string[] {
  if (proxy === undefined) return [];
  const { username, password } = new URL(proxy);
  const userinfo = /\/\/(.*)@/.exec(proxy)?.[1] ?? '';
  return [proxy, userinfo, password, decodeURIComponent(password), `${username}:${password}`];
}

/** A text without what must not be seen. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= shortestSecret)
    .toSorted((one, other) => other.length - one.length)
    .reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text);
}
