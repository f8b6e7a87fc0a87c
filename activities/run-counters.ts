import { Context } from '@temporalio/activity';
import type { Outcome } from '../domain/outcome.ts';

/**
 * What the Temporal worker counts of its runs, all of them together: no label names a run or an item. A counter is kept for
 * as long as its process lives, and a Temporal worker that lives for months would keep one for each run it ever saw; what
 * becomes of one run the query `progress` and the report tell. docs/metrics.md lists them.
 *
 * Counters, and no gauge of what is left: a run's collector moves between Temporal workers, and the one that it left would go
 * on telling an old number.
 */
const counters = {
  listed: ['spotloop_items_listed', 'Items of lists that were read'],
  present: ['spotloop_items_present', 'Those of them that the destination had already'],
  gone: ['spotloop_items_gone', 'Those of them that an earlier run found gone'],
  published: ['spotloop_items_published', 'Items given to the queue'],
  republished: ['spotloop_items_republished', 'Items published again, unaccounted for'],
  reconcileRounds: ['spotloop_reconcile_rounds', 'Times that unaccounted items were looked for'],
  settled: ['spotloop_items_settled', 'Outcomes that a ledger took, by outcome'],
  repeated: ['spotloop_outcomes_repeated', 'Outcomes that a ledger had already'],
  refused: ['spotloop_outcomes_refused', 'Lines that are no outcome of an item of their run'],
  storedBytes: ['spotloop_stored_bytes', 'Bytes of the objects that ledgers took as stored'],
  ledgerParts: ['spotloop_ledger_parts', 'Parts written to ledgers'],
} as const;

type CounterName = Exclude<keyof typeof counters, 'settled'>;

const outcomeKinds: readonly Outcome['kind'][] = ['stored', 'skipped', 'failed', 'quarantined'];

/** Makes all of them known, with 0 where nothing was counted yet: a rate needs the number before the first event, too. */
export function showRunCounters(): void {
  for (const name of Object.keys(counters) as (keyof typeof counters)[]) {
    if (name !== 'settled') count(name, 0);
  }
  for (const outcome of outcomeKinds) counterOf('settled').add(0, { outcome });
}

/** Counts in the activity that runs. */
export function count(name: CounterName, amount: number): void {
  counterOf(name).add(amount);
}

/** Counts outcomes that are in a ledger now and were not before, and what is stored of them. */
export function countSettled(news: readonly Outcome[]): void {
  for (const outcome of outcomeKinds) {
    const amount = news.filter(({ kind }) => kind === outcome).length;
    if (amount > 0) counterOf('settled').add(amount, { outcome });
  }
  count(
    'storedBytes',
    news.reduce((sum, one) => sum + (one.kind === 'stored' ? one.sizeBytes : 0), 0),
  );
}

/** Made for each count, 4 µs: the runtime knows one by its name, and keeps it once. */
function counterOf(name: keyof typeof counters) {
  const [id, description] = counters[name];
  return Context.current().metricMeter.createCounter(id, '', description);
}
