import { MisconfiguredError } from '../process/environment.ts';
import { messageOf } from './remote-errors.ts';

/** A folder that is missing, somebody else's or none stays so; a disk that is full or broken may be another one next time. */
const wrongPath = new Set(['EACCES', 'EEXIST', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS']);

/**
 * What to throw when a folder that a setting names can't be made or written: MisconfiguredError when the setting is to
 * blame, else an Error, after which the next downloader tries.
 */
export function folderError(
  { folder, of, setting }: { folder: string; of: string; setting: string },
  cause: unknown,
): Error {
  const what = `${of} folder ${folder}: ${messageOf(cause)}`;
  return wrongPath.has((cause as NodeJS.ErrnoException | null)?.code ?? '')
    ? new MisconfiguredError(`${what} — set ${setting} to a folder that can be written`, { cause })
    : new Error(what, { cause });
}
