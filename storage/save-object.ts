import type { CreateWriteStreamOptions, File } from '@google-cloud/storage';
import { unlessAborted } from '../domain/unless-aborted.ts';
import { watchUpload } from './upload-watch.ts';

/**
 * Writes an object in one request, which the client repeats from memory when it may.
 * @throws Error when the service takes too long, or the reason of the signal. What was sent cannot be called back then, and may be
 * stored late: only for an object that does no harm when it is.
 */
export async function saveObject(
  file: File,
  content: Buffer | string,
  options: Omit<CreateWriteStreamOptions, 'resumable' | 'timeout'>,
  signal?: AbortSignal,
): Promise<void> {
  const sizeBytes = Buffer.byteLength(content);
  const watch = watchUpload(signal);
  watch.start(sizeBytes);
  try {
    // Its own `timeout` breaks the connection and never says so (storage 8.4.0).
    await unlessAborted(watch.signal, file.save(content, { ...options, resumable: false }));
  } finally {
    watch.stop();
  }
}
