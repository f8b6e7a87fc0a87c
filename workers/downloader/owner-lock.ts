import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/** A file that is ours for as long as this process lives. */
export type OwnerLock = { release(): void };

/** SQLITE_BUSY: another connection holds the lock. sqlite.org/rescode.html#busy */
const busy = 5;

/**
 * Takes a file's lock; null when another has it. `create` makes the file where there is none, which is an error else.
 *
 * The lock is SQLite's, on a database that stays empty: a POSIX record lock, kept by the kernel, which drops it when its
 * holder dies, however that happens. It is seen by every process of the machine that sees the file, in whatever pid
 * namespace it is: a process id would mean nothing to a downloader in another pod. Node has no call for such a lock
 * itself; a Unix socket would do as well, but its path ends at 107 bytes, and between its making and its listening it
 * looks dead.
 * @throws Error when the file can't be opened, or its file system has no locks.
 */
export function takeOwnerLock(file: string, options: { create: boolean }): OwnerLock | null {
  const address = pathToFileURL(file);
  address.searchParams.set('mode', options.create ? 'rwc' : 'rw');
  const database = new DatabaseSync(address);
  try {
    database.exec('BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === busy) return null;
    throw error;
  }
}
