import pRetry, { AbortError } from 'p-retry';

/** One thing to be sent, together with whatever else waits when the request before it is done. */
export type CommitEntry = {
  readonly sizeBytes: number;
  /** True when sending it has no purpose any more, such as when its lease is lost (I4). */
  isVoid(): boolean;
};

/** Sends entries in groups: what arrives while a request is in flight goes out together in the next one. */
export type GroupCommit<Entry extends CommitEntry> = {
  /** Resolves when the remote has confirmed the entry; rejects when it is void, or can't be sent. */
  add(entry: Entry): Promise<void>;
};

export type GroupCommitOptions<Entry> = {
  /** What is sent, for the error's text: `publish outcomes to …`. */
  readonly name: string;
  readonly maxEntries: number;
  readonly maxBytes: number;
  send(entries: readonly Entry[]): Promise<void>;
  isHopeless(error: unknown): boolean;
  /** Ends all trying: the process has no time left. */
  readonly over: AbortSignal;
};

/**
 * Back-off between tries of one request. There is no limit on the number: a request is tried until every entry in it
 * is void or the process is over, for each entry is work already done.
 */
const backOff = { minTimeout: 100, maxTimeout: 5_000, factor: 2, randomize: true } as const;

type Waiting<Entry> = { entry: Entry; resolve(): void; reject(error: unknown): void };

/** One request at a time and no timer: an entry that comes alone goes at once, a flood goes in full requests. */
export function createGroupCommit<Entry extends CommitEntry>(
  options: GroupCommitOptions<Entry>,
): GroupCommit<Entry> {
  let waiting: Waiting<Entry>[] = [];
  let isSending = false;

  const take = (): Waiting<Entry>[] => {
    let sizeBytes = 0;
    let count = 0;
    for (const { entry } of waiting) {
      sizeBytes += entry.sizeBytes;
      if (count > 0 && (count >= options.maxEntries || sizeBytes > options.maxBytes)) break;
      count += 1;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return group.filter((one) => {
      if (!one.entry.isVoid()) return true;
      one.reject(new Error(`${options.name}: the lease is lost`));
      return false;
    });
  };

  const sendGroup = async (group: readonly Waiting<Entry>[]): Promise<void> => {
    const entries = group.map(({ entry }) => entry);
    try {
      await pRetry(
        async () => {
          if (entries.every((entry) => entry.isVoid())) {
            throw new AbortError(`${options.name}: every lease is lost`);
          }
          await options.send(entries);
        },
        {
          ...backOff,
          retries: Number.POSITIVE_INFINITY,
          signal: options.over,
          shouldRetry: ({ error }) => !options.isHopeless(error),
        },
      );
      for (const one of group) one.resolve();
    } catch (error) {
      for (const one of group) one.reject(error);
    }
  };

  const drain = async (): Promise<void> => {
    if (isSending) return;
    isSending = true;
    // Entries of the same turn of the event loop go together.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = take();
      if (group.length > 0) await sendGroup(group);
    }
    isSending = false;
  };

  return {
    add: (entry) =>
      new Promise((resolve, reject) => {
        waiting.push({ entry, resolve, reject });
        void drain();
      }),
  };
}
