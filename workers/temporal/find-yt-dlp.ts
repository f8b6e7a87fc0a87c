import type { YtDlp } from '../../activities/list/yt-dlp-list.ts';
import { MisconfiguredError } from '../process/environment.ts';
import { findProgram } from '../process/find-program.ts';

/**
 * The yt-dlp that lists pages; undefined when none was named and none is on PATH, for most runs need none here.
 * @throws MisconfiguredError when the one that was named is not there.
 */
export async function findYtDlp(
  named: string | undefined,
  environment: YtDlp['environment'],
): Promise<YtDlp | undefined> {
  const program = await findProgram(named ?? 'yt-dlp', environment['PATH'] ?? '');
  if (program !== null) return { program, environment };
  if (named === undefined) return undefined;
  throw new MisconfiguredError(
    `SPOTLOOP_YTDLP ${named}: no such program — correct it, or leave it out where no run has a page listed`,
  );
}
