import { formatDuration } from '../domain/units.ts';

/**
 * Ends an upload that hangs. The storage client sets no time-out to uploads: on a connection that fell silent one waits for
 * ever. By progress and not in total, for a file of 5 TB may take days.
 */
export type UploadWatch = {
  /** Aborted when the service took too long, or when the outer signal is. */
  readonly signal: AbortSignal;
  /** It is the service's turn, to take so many bytes. */
  start(sizeBytes: number): void;
  /** It is not: the next bytes come from elsewhere, or all is done. */
  stop(): void;
};

/** A small object is stored in some 100 ms; a service that says nothing for so long will not. */
const answerMs = 20_000;

/** A line that is slower, shared by all slots, does not get a part through; hardly anybody's downloads come over one. */
const slowestBytesPerSecond = 64 * 1024;

/** How long the service may take over so many bytes. */
export function uploadLimitMs(sizeBytes: number): number {
  return answerMs + Math.ceil((sizeBytes / slowestBytesPerSecond) * 1000);
}

export function watchUpload(outer?: AbortSignal): UploadWatch {
  const hanging = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: outer === undefined ? hanging.signal : AbortSignal.any([outer, hanging.signal]),
    start(sizeBytes) {
      clearTimeout(timer);
      const limitMs = uploadLimitMs(sizeBytes);
      timer = setTimeout(() => {
        const limit = formatDuration(limitMs);
        hanging.abort(new Error(`the storage service did not take ${sizeBytes} bytes in ${limit}`));
      }, limitMs);
    },
    stop: () => clearTimeout(timer),
  };
}
