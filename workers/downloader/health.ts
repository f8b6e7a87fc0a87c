import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../process/log.ts';
import { folderError } from './folder-error.ts';
import { messageOf } from './remote-errors.ts';

/**
 * Tells a kubelet how the downloader is, by files that its probes look at:
 *
 *   ready   is there from the first answered pull until the downloader begins to leave
 *   alive   is touched every {@link touchIntervalMs} by the event loop: when that hangs, the file grows old
 *
 * Not by HTTP: a downloader listens nowhere unless somebody wants its metrics, so that a NetworkPolicy may give it no ingress
 * at all, and pods on the host's network don't fight over a port.
 */
export type Health = {
  /** It may pull, and does. May be called again. */
  isPulling(): void;
  /** It begins to leave: not ready from now on. */
  isLeaving(): void;
  /** Removes the files. */
  close(): void;
};

/** A probe that asks for a file younger than a minute, `find`'s smallest unit, misses six touches before it fails. */
export const touchIntervalMs = 10_000;

const noHealth: Health = { isPulling() {}, isLeaving() {}, close() {} };

/**
 * Removes a predecessor's files from the folder and starts touching `alive`. The calls block, but only for an empty file
 * on a local disk; and a touch by the event loop itself is what the probe wants to know of.
 * @throws MisconfiguredError when the folder can't be written; Error when its disk fails.
 */
export function openHealth(options: {
  /** Without one nobody looks, as on the local fleet. */
  folder: string | undefined;
  /** The downloader's name, for whoever reads the files. */
  name: string;
  log: Log;
}): Health {
  const { folder, name, log } = options;
  if (folder === undefined) return noHealth;
  const ready = join(folder, 'ready');
  const alive = join(folder, 'alive');
  const content = `${name}\n`;
  let isReady = false;
  let hasLeft = false;
  let hasFailed = false;

  /** A probe that fails because of it tells the operator; the log says why, once. */
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      if (!hasFailed) log.warn({ folder, reason: messageOf(error) }, 'health is not told');
      hasFailed = true;
    }
  };

  try {
    mkdirSync(folder, { recursive: true });
    rmSync(ready, { force: true });
    // With content, so that a full disk is noticed now.
    writeFileSync(alive, content);
  } catch (cause) {
    throw folderError({ folder, of: 'health', setting: 'SPOTLOOP_HEALTH_FOLDER' }, cause);
  }
  // Written, not only touched: it comes back when somebody removed it, and on a disk that is full by now its time is new.
  const timer = setInterval(() => attempt(() => writeFileSync(alive, content)), touchIntervalMs);
  return {
    isPulling() {
      if (isReady || hasLeft) return;
      isReady = true;
      attempt(() => writeFileSync(ready, content));
    },
    isLeaving() {
      if (hasLeft) return;
      hasLeft = true;
      attempt(() => rmSync(ready, { force: true }));
    },
    close() {
      clearInterval(timer);
      for (const file of [ready, alive]) attempt(() => rmSync(file, { force: true }));
    },
  };
}
