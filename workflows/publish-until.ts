import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { PublishedSlice } from '../activities/publish-items.ts';

/**
 * Ends a slice of publishing as soon as something is so. What it gives back is what went out by then; null when that is not
 * known.
 */
export async function publishUntil(
  isSo: () => boolean,
  publish: () => Promise<PublishedSlice>,
): Promise<PublishedSlice | null> {
  const outer = CancellationScope.current();
  const slice = new CancellationScope();
  const watch = new CancellationScope();
  const watching = watch
    .run(() => condition(isSo))
    .then(() => slice.cancel())
    .catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  try {
    return await slice.run(publish);
  } catch (error) {
    // It had not begun, or waited for its next attempt: what it published, if anything, goes out once more.
    if (!isCancellation(error) || outer.consideredCancelled || !isSo()) throw error;
    return null;
  } finally {
    watch.cancel();
    await watching;
  }
}
