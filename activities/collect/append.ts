import { failureTypes } from '../../domain/failure-types.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { createCheckpoint, isCheckpointDue } from '../ledger/ledger-checkpoint.ts';
import { createPart } from '../ledger/ledger-log.ts';
import type { PartWriter } from '../ledger/ledger-log.ts';
import { catchUp } from '../ledger/load-ledger.ts';
import { count, countSettled } from '../run-counters.ts';
import { runFailure } from '../run-failure.ts';
import type { Desk } from './desk.ts';

/** What became of a batch: it is in the ledger now, all of it, or was before. */
export type Appended = { readonly outOfRange: number };

/**
 * Brings outcomes into the ledger as its next part, or none where they are no news, and applies them.
 *
 * Who loses the creation of a part to a newer collector stops. Who loses it to an older one, a forgotten attempt that
 * still runs, reads what that wrote and goes on behind it: the older one loses the next time they meet.
 * @throws ApplicationFailure `CollectorReplaced`; Error when the bucket can't be read or written.
 */
export async function append(
  desk: Desk,
  writer: PartWriter,
  outcomes: readonly Outcome[],
): Promise<Appended> {
  const { bucket, run, ledger } = desk;
  for (;;) {
    const { news, outOfRange } = ledger.selectNews(outcomes);
    if (news.length === 0) {
      countAppended(outcomes, news, outOfRange);
      return { outOfRange };
    }
    const part = ledger.nextPart;
    const creation = await createPart(bucket, { run: run.name, part, writer }, news);
    if (creation.kind === 'created') {
      ledger.applyPart(news);
      count('ledgerParts', 1);
      countAppended(outcomes, news, outOfRange);
      return { outOfRange };
    }
    if (!(creation.by.scheduledAtMs < writer.scheduledAtMs)) {
      throw runFailure(
        failureTypes.CollectorReplaced,
        `create ledger part ${part} of run ${run.name}: a newer collector was first — this one stops`,
      );
    }
    await catchUp(bucket, run.name, ledger);
  }
}

function countAppended(
  outcomes: readonly Outcome[],
  news: readonly Outcome[],
  outOfRange: number,
): void {
  countSettled(news);
  count('refused', outOfRange);
  count('repeated', outcomes.length - news.length - outOfRange);
}

/** @returns the error when a due checkpoint could not be written: the parts hold everything, so work goes on. */
export async function createDueCheckpoint({ bucket, run, ledger }: Desk): Promise<unknown> {
  if (!isCheckpointDue(ledger)) return undefined;
  ledger.sinceCheckpoint = { outcomes: 0, parts: 0 };
  return createCheckpoint(bucket, run.name, ledger).then(
    () => undefined,
    (error: unknown) => error,
  );
}
