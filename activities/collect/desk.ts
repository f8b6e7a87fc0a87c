import type { v1 } from '@google-cloud/pubsub';
import type { Bucket, Storage } from '@google-cloud/storage';
import { queueNames } from '../../domain/names.ts';
import type { RunRef } from '../../domain/names.ts';
import type { Sample } from '../../domain/sample.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import { outcomeCodes } from '../ledger/ledger-state.ts';
import type { LedgerState } from '../ledger/ledger-state.ts';
import { catchUp, loadLedger } from '../ledger/load-ledger.ts';
import { DownloadersHeard } from './downloaders-heard.ts';
import { Mailbox } from './mailbox.ts';

export type CollectorDeps = {
  readonly projectId: string;
  readonly subscriber: v1.SubscriberClient;
  readonly storage: Storage;
};

/** Pulls outstanding at once: with four, decoding and not the network is what takes the time. */
const outcomePulls = 4;
/** Two parts' worth of small messages, one gathering and one being written or acked: some 20 MB. */
const maxMessagesInHand = 25_000;
/** Outcomes messages may hold thousands of lines each; this bounds what four pulls of them weigh. */
const maxBytesInHand = 64 * 1024 ** 2;
/** Runs whose state is kept between slices: their codes weigh a byte an item. */
const maxDesks = 16;

/**
 * What a collector has at hand for one run, kept in the process from one slice to the next. The bucket stays the
 * truth: a desk that was kept is brought up to date before it is used.
 */
export type Desk = {
  readonly bucket: Bucket;
  readonly run: RunRef;
  readonly ledger: LedgerState;
  readonly downloaders: DownloadersHeard;
  readonly outcomes: Mailbox;
  readonly deadItems: Mailbox;
  /** Keys of examples of errors, by index: a few dozen. */
  readonly exampleKeys: Map<number, string>;
  /** Another process began this run's ledger: messages may still be leased to it though it is dead. */
  readonly isTakenOver: boolean;
};

/** The desks of the runs that this process collects for, the one used last at the end. */
export class Desks {
  readonly #deps: CollectorDeps;
  readonly #kept = new Map<string, Desk>();

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
  }

  /** Takes the run's desk out, or sets one up: two attempts in one process never share a state. */
  async take(run: RunRef, snapshot: Snapshot): Promise<Desk> {
    const kept = this.#kept.get(run.name);
    this.#kept.delete(run.name);
    if (kept !== undefined) await catchUp(kept.bucket, run.name, kept.ledger);
    if (kept?.outcomes.isUsable && kept.deadItems.isUsable) return { ...kept, isTakenOver: false };
    const bucket = this.#deps.storage.bucket(run.bucket);
    const names = queueNames(run.name);
    const ledger = kept?.ledger ?? (await loadLedger(bucket, run.name, snapshot));
    return {
      bucket,
      run,
      ledger,
      downloaders: kept?.downloaders ?? new DownloadersHeard(),
      outcomes: this.#mailbox(names.outcomes, outcomePulls),
      deadItems: this.#mailbox(names.deadItems, 1),
      exampleKeys: kept?.exampleKeys ?? new Map<number, string>(),
      isTakenOver: kept === undefined && ledger.nextPart > 0,
    };
  }

  /** Puts a desk back for the next slice, be it `soon` or some time. The one unused longest makes room. */
  keep(desk: Desk, next: 'soon' | 'some-time'): void {
    for (const mailbox of [desk.outcomes, desk.deadItems]) {
      if (next === 'soon') mailbox.park();
      else mailbox.leave();
    }
    this.#kept.set(desk.run.name, desk);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > maxDesks && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** Closes a desk that no slice will need. */
  async drop(desk: Desk): Promise<void> {
    await Promise.all([desk.outcomes.close(), desk.deadItems.close()]);
  }

  #mailbox(name: string, pulls: number): Mailbox {
    return new Mailbox({
      subscriber: this.#deps.subscriber,
      subscription: `projects/${this.#deps.projectId}/subscriptions/${name}`,
      pulls,
      maxMessages: maxMessagesInHand,
      maxBytes: maxBytesInHand,
    });
  }
}

/** What a collector knows now. */
export function sampleOf({ ledger, downloaders }: Desk, nowMs: number): Sample {
  const { counts, storedBytes } = ledger.totals;
  const isSettled = (index: number) => ledger.codes[index] !== outcomeCodes.unsettled;
  return {
    asOfMs: nowMs,
    counts,
    storedBytes,
    recent: ledger.worst,
    ...downloaders.count(nowMs, isSettled),
  };
}
