import type { RunState } from './run-state.ts';
import { startFleet } from './steps.ts';

/** Starts the downloaders, or the next generation of them. No more than there are items for their slots. */
export async function startDownloaders(state: RunState): Promise<void> {
  const { run, spec } = state;
  const useful = Math.ceil((state.snapshot?.published ?? 0) / spec.concurrency);
  const workers = Math.max(1, Math.min(state.workers, useful));
  await startFleet.executeWithOptions(
    {
      summary: `Start ${workers} downloader${workers === 1 ? '' : 's'} of ${spec.concurrency} slots`,
    },
    [{ run, spec, workers }],
  );
}
