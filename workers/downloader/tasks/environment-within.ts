import { join } from 'node:path';

/** What a program gets of environment. */
export type ProgramEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * An environment in which whatever a program writes of its own accord (caches, temporary files, files in its home)
 * lies in the attempt's folder, and so is gone after it. A pod's root file system is read-only, and on a machine that
 * isn't thrown away such files would pile up; a program that was killed removes none.
 */
export function environmentWithin(
  folder: string,
  environment: ProgramEnvironment,
): ProgramEnvironment {
  const home = environment['HOME'];
  return {
    // Python looks for what `pip install --user` put there in its home, yt-dlp itself perhaps.
    ...(home === undefined ? {} : { PYTHONUSERBASE: join(home, '.local') }),
    ...environment,
    HOME: folder,
    TMPDIR: folder,
    XDG_CACHE_HOME: join(folder, '.cache'),
  };
}

/** How programs are told of a proxy; both cases, for each program reads its own. Not on a command line, which all may see. */
const proxyVariables = ['http_proxy', 'https_proxy', 'all_proxy'];

/** An environment whose programs ask every site through the proxy, whatever the machine's own settings say. */
export function withProxy(
  environment: ProgramEnvironment,
  proxy: string | undefined,
): ProgramEnvironment {
  if (proxy === undefined) return environment;
  const names = proxyVariables.flatMap((name) => [name, name.toUpperCase()]);
  return {
    ...environment,
    ...Object.fromEntries(names.map((name) => [name, proxy])),
    no_proxy: '',
    NO_PROXY: '',
  };
}
