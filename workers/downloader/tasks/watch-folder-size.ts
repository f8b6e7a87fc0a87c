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

/** While parts are merged into a file, they lie beside it. */
const wholeAndParts = 2;

/**
 * Watches that no file of a program grows beyond a limit, nor all of them beyond what making one such file takes,
 * whatever the program believes about sizes.
 */
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
    void fileSizesBytes(folder).then((sizes) => {
      isLooking = false;
      const allBytes = sizes.reduce((sum, size) => sum + size, 0);
      const isWithin =
        allBytes <= wholeAndParts * maxSizeBytes && sizes.every((size) => size <= maxSizeBytes);
      if (isWithin || controller.signal.aborted) return;
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
async function fileSizesBytes(folder: string): Promise<number[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  );
}
