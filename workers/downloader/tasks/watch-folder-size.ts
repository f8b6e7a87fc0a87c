import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Programs may write faster than they say, so the folder is looked at; a second of a fast line is some 100 MB, which the
 * staging volume's room for twice what the slots may stage absorbs.
 */
const lookEveryMs = 1_000;

export type FolderWatch = {
  /** Aborted when the folder is too large, or when the outer signal is. */
  readonly signal: AbortSignal;
  isTooLarge(): boolean;
  stop(): void;
};

/** Watches that what a program stages stays within a limit, whatever the program believes about sizes. */
export function watchFolderSize(
  folder: string,
  maxSizeBytes: number,
  outer: AbortSignal,
): FolderWatch {
  const controller = new AbortController();
  const stopOuter = (): void => controller.abort(outer.reason);
  if (outer.aborted) stopOuter();
  outer.addEventListener('abort', stopOuter, { once: true });
  let isTooLarge = false;
  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void folderSizeBytes(folder).then((sizeBytes) => {
      isLooking = false;
      if (sizeBytes <= maxSizeBytes || controller.signal.aborted) return;
      isTooLarge = true;
      controller.abort(new Error('too large'));
    });
  }, lookEveryMs);
  return {
    signal: controller.signal,
    isTooLarge: () => isTooLarge,
    stop() {
      clearInterval(timer);
      outer.removeEventListener('abort', stopOuter);
    },
  };
}

/** Files come and go while we look: what is gone counts nothing. */
async function folderSizeBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
