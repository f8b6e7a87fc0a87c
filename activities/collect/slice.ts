import type { Outcome } from '../../domain/outcome.ts';
import { log } from '@temporalio/activity';
import { tooManyFailures } from '../../domain/judgement.ts';
import type { RunSpec } from '../../domain/run-spec.ts';
import { collectorDeadlineSeconds } from '../create-queue.ts';
import type { PartWriter } from '../ledger/ledger-log.ts';
import { count } from '../run-counters.ts';
import { append, createDueCheckpoint } from './append.ts';
import type { Desk } from './desk.ts';
import type { Mail, Mailbox } from './mailbox.ts';
import { openDeadItemMail, openOutcomesMail } from './open-mail.ts';
import type { OpenedMail } from './open-mail.ts';
import { Wake } from './wake.ts';

/** A part is written at this size: 2 MB of lines, some 300 KB compressed. */
const outcomesPerPart = 10_000;
/** And at this age: watchers see counts that are a second old, a day has 86,400 parts, and leases last 20 s. */
const partAgeMs = 1_000;
/** While a part is being written, two more may gather. What is beyond that waits in Pub/Sub. */
const maxOutcomesGathered = 3 * outcomesPerPart;
/** After the fleet stopped, outcomes are on their way for so long at most; Pub/Sub delivers in tens of ms. */
const quietMs = 3_000;
/** What was leased to a collector that died comes back when its lease ends; by then its downloaders have drained, too. */
const quietAfterAnotherMs = quietMs + collectorDeadlineSeconds * 1_000;

export type SlicePlan = {
  readonly total: number;
  readonly endsAtMs: number;
  readonly until: 'slice-ends' | 'quiet';
  readonly tolerateFailures: RunSpec['tolerateFailures'];
  readonly writer: PartWriter;
  readonly signal: AbortSignal;
};

/** A moment that a run doesn't reach: setTimeout takes no infinity. */
const never = Number.MAX_SAFE_INTEGER;

/** What was gathered and is not in the ledger yet, with the messages it came in. */
type Batch = { outcomes: Outcome[]; mail: Map<Mailbox, Mail[]>; firstAtMs: number };

function emptyBatch(): Batch {
  return { outcomes: [], mail: new Map(), firstAtMs: 0 };
}

/**
 * One slice of collecting: gather outcomes ∥ write the last batch as a part ∥ ack the batch before.
 * Parts are strictly in order (L1), so one is written at a time while the next one gathers.
 */
export class Slice {
  readonly #desk: Desk;
  readonly #plan: SlicePlan;
  readonly #wake = new Wake();
  readonly #acks = new Set<Promise<void>>();
  readonly #quietMs: number;
  #gathered = emptyBatch();
  #writing: Promise<void> | undefined;
  #failure: unknown;
  #lastMailAtMs = Date.now();
  #endsAtMs: number;

  constructor(desk: Desk, plan: SlicePlan) {
    this.#desk = desk;
    this.#plan = plan;
    this.#endsAtMs = plan.endsAtMs;
    this.#quietMs = desk.isTakenOver ? quietAfterAnotherMs : quietMs;
  }

  /**
   * Returns when the last item settled, more failed than is tolerated, the slice ended, it was quiet, or on
   * cancellation; what was gathered is acked or given back then.
   * @throws ApplicationFailure `CollectorReplaced`; Error when Pub/Sub or the bucket refuse.
   */
  async run(): Promise<void> {
    const { signal } = this.#plan;
    signal.addEventListener('abort', this.#wake.ring);
    this.#desk.outcomes.open(this.#wake.ring);
    this.#desk.deadItems.open(this.#wake.ring);
    try {
      this.#endIfFailing();
      await this.#loop();
      if (signal.aborted) await this.#giveBack();
    } catch (error) {
      await this.#writing?.catch(() => {});
      await this.#giveBack();
      throw error;
    } finally {
      signal.removeEventListener('abort', this.#wake.ring);
      await Promise.all(this.#acks);
    }
  }

  async #loop(): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const nowMs = Date.now();
      if (this.#plan.signal.aborted) return this.#writing;
      if (nowMs < this.#endsAtMs) this.#gather(nowMs);
      if (this.#writing === undefined && this.#isPartDue(nowMs)) this.#startWriting();
      if (this.#writing === undefined && this.#isOver(nowMs)) return undefined;
      await this.#wake.wait(this.#nextEventAtMs() - nowMs);
    }
  }

  #isPartDue(nowMs: number): boolean {
    const { outcomes, firstAtMs, mail } = this.#gathered;
    if (mail.size === 0) return false;
    return (
      outcomes.length >= outcomesPerPart ||
      nowMs >= firstAtMs + partAgeMs ||
      nowMs >= this.#endsAtMs ||
      this.#desk.ledger.settled + outcomes.length >= this.#plan.total
    );
  }

  #isOver(nowMs: number): boolean {
    if (this.#gathered.mail.size > 0) return false;
    return (
      this.#desk.ledger.settled >= this.#plan.total ||
      nowMs >= this.#endsAtMs ||
      (this.#plan.until === 'quiet' && nowMs >= this.#lastMailAtMs + this.#quietMs)
    );
  }

  /** A run that fails too often must not go on for the rest of a slice: what is gathered is its last part. */
  #endIfFailing(): void {
    const { until, total, tolerateFailures } = this.#plan;
    if (until === 'quiet') return;
    const { totals, worst } = this.#desk.ledger;
    if (tooManyFailures({ counts: totals.counts, recent: worst }, total, tolerateFailures) === null)
      return;
    this.#endsAtMs = Math.min(this.#endsAtMs, Date.now());
  }

  /** Everything else rings the bell. */
  #nextEventAtMs(): number {
    const { mail, firstAtMs } = this.#gathered;
    if (this.#writing !== undefined) return never;
    return Math.min(
      this.#endsAtMs,
      mail.size > 0 ? firstAtMs + partAgeMs : never,
      this.#plan.until === 'quiet' ? this.#lastMailAtMs + this.#quietMs : never,
    );
  }

  #gather(nowMs: number): void {
    const { outcomes, deadItems, downloaders } = this.#desk;
    if (this.#gathered.outcomes.length >= maxOutcomesGathered) return;
    for (const mail of outcomes.take()) {
      const opened = openOutcomesMail(mail);
      if (opened.kind === 'beat') downloaders.hear(opened.beat, mail.publishedAtMs);
      this.#add(outcomes, mail, opened);
    }
    for (const mail of deadItems.take()) {
      const opened = openDeadItemMail(mail, nowMs);
      log.warn('an item was given up by Pub/Sub', { ...opened });
      this.#add(deadItems, mail, opened);
    }
  }

  #add(mailbox: Mailbox, mail: Mail, opened: OpenedMail): void {
    const batch = this.#gathered;
    this.#lastMailAtMs = Date.now();
    if (batch.mail.size === 0) batch.firstAtMs = this.#lastMailAtMs;
    const mails = batch.mail.get(mailbox) ?? [];
    mails.push(mail);
    batch.mail.set(mailbox, mails);
    if (opened.kind === 'beat') return;
    for (const outcome of opened.outcomes) batch.outcomes.push(outcome);
    if (opened.refused > 0) {
      count('refused', opened.refused);
      log.warn('refused messages that are neither outcomes nor beats', { lines: opened.refused });
    }
  }

  #startWriting(): void {
    const batch = this.#gathered;
    this.#gathered = emptyBatch();
    this.#writing = this.#write(batch)
      .catch(async (error: unknown) => {
        this.#failure = error;
        await giveBack(batch);
      })
      .finally(() => {
        this.#writing = undefined;
        this.#wake.ring();
      });
  }

  async #write(batch: Batch): Promise<void> {
    const { outOfRange } = await append(this.#desk, this.#plan.writer, batch.outcomes);
    if (outOfRange > 0)
      log.warn('refused outcomes of items that the run does not have', { outOfRange });
    this.#endIfFailing();
    for (const [mailbox, mail] of batch.mail) this.#ack(mailbox, mail);
    const error = await createDueCheckpoint(this.#desk);
    if (error !== undefined) log.warn('could not write a ledger checkpoint', { error });
  }

  /** In the background: the outcomes are safe, and a lost ack only means a second delivery. */
  #ack(mailbox: Mailbox, mail: readonly Mail[]): void {
    const ack: Promise<void> = mailbox
      .ack(mail)
      .catch((error: unknown) => log.warn('could not ack outcomes', { error }))
      .finally(() => this.#acks.delete(ack));
    this.#acks.add(ack);
  }

  async #giveBack(): Promise<void> {
    const batch = this.#gathered;
    this.#gathered = emptyBatch();
    await giveBack(batch);
    await Promise.all(
      [this.#desk.outcomes, this.#desk.deadItems].map(async (mailbox) => {
        if (mailbox.isUsable) await mailbox.giveBack(mailbox.take());
      }),
    ).catch(ignore);
  }
}

async function giveBack(batch: Batch): Promise<void> {
  await Promise.all([...batch.mail].map(([mailbox, mail]) => mailbox.giveBack(mail))).catch(ignore);
}

/** What could not be given back comes back when its lease ends. */
function ignore(): void {}
