import type { Task as TaskSpec } from '../../../domain/task.ts';
import { TooLargeError } from '../store.ts';
import type { Store } from '../store.ts';
import { messageOf } from '../remote-errors.ts';
import { addressOf } from './address.ts';
import type { Fetching } from './fetching.ts';
import { judgeStatus } from './http-status.ts';
import type { AttemptEnding, Task } from './task.ts';

/** Fetches an address and streams the body straight into the bucket; nothing is staged on disk. */
export function createHttpTask(options: {
  spec: Extract<TaskSpec, { kind: 'http' }>;
  store: Store;
  maxSizeBytes: number;
  fetching: Fetching;
}): Task {
  const { spec, store, maxSizeBytes, fetching } = options;
  return {
    async attempt(item, signal): Promise<AttemptEnding> {
      const address = addressOf(spec.url, item.key);
      if (address.kind === 'invalid') return { kind: 'permanent', error: address.error };
      let response: Response | undefined;
      try {
        response = await fetching.fetch(address.url, {
          signal,
          // At most 20, by the fetch standard.
          redirect: 'follow',
          // The bytes as they are: a decoded body's length can't be compared with Content-Length.
          headers: { 'accept-encoding': 'identity' },
        });
        const refusal = judgeStatus(response.status, response.headers);
        if (refusal !== null) return refusal;
        const expected = lengthOf(response);
        if (expected !== null && expected > maxSizeBytes) throw new TooLargeError(maxSizeBytes);
        const contentType = response.headers.get('content-type');
        return await store.put(item, {
          content: checkedLength(response, expected),
          ...(contentType === null ? {} : { contentType }),
          signal,
        });
      } catch (error) {
        if (signal.aborted) return { kind: 'interrupted' };
        if (error instanceof TooLargeError) return { kind: 'permanent', error: error.message };
        return { kind: 'transient', error: fetching.wordsOf(reasonOf(error)) };
      } finally {
        // Frees the connection where the body wasn't read to its end.
        if (response !== undefined && !response.bodyUsed) {
          await response.body?.cancel().catch(() => {});
        }
      }
    },
  };
}

/** Null when the length isn't known, or is that of an encoded body which `fetch` has decoded. */
function lengthOf(response: Response): number | null {
  const text = response.headers.get('content-length');
  const encoding = response.headers.get('content-encoding');
  if (text === null || !/^\d+$/.test(text)) return null;
  return encoding === null || encoding === 'identity' ? Number(text) : null;
}

/** Ends in an error when the body is not as long as the server said, so that a broken one is never stored. */
async function* checkedLength(
  response: Response,
  expected: number | null,
): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength;
    yield chunk;
  }
  if (expected !== null && sizeBytes !== expected) {
    throw new Error(`the body has ${sizeBytes} bytes, Content-Length said ${expected}`);
  }
}

/** `fetch` says only "fetch failed" or "terminated"; its cause says why. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}
