import type { Item } from '../../domain/item.ts';
import type { Outcome } from '../../domain/outcome.ts';
import type { Log } from '../process/log.ts';
import type { AttemptProgress } from './work-on-item.ts';

/** What every log line of an item carries. */
export type ItemMarks = { readonly index: number; readonly attempt: number };

export function marksOf({
  item,
  progress,
}: {
  readonly item: Item;
  readonly progress: AttemptProgress;
}): ItemMarks {
  return { index: item.index, attempt: progress.attempt };
}

/** A failure is worth a line that is read; what is stored is in the bucket, and millions of lines cost money. */
export function logSettled(log: Log, marks: ItemMarks, outcome: Outcome): void {
  if (outcome.kind === 'failed') {
    const { reason, error } = outcome;
    log.info({ ...marks, reason: error }, `item failed: ${reason}`);
  } else if (outcome.kind === 'quarantined') {
    log.warn({ ...marks, deaths: outcome.deaths }, 'item quarantined');
  } else log.debug(marks, `item ${outcome.kind}`);
}
