import fc from 'fast-check';
import type { Trouble } from '../../support/clip-run.ts';
import type { RpcFault } from '../rpc-proxy.ts';
import type { StorageFault } from '../storage-proxy.ts';

/** What a campaign of faults does, decided by its seed before it starts. When each thing happens to be hit, chance decides. */

/** One thing that goes wrong; all but sudden deaths last for a while. ms. */
export type Fault =
  | { readonly kind: 'end-downloader'; readonly signal: 'SIGTERM' | 'SIGKILL' }
  /** It stands still and goes on: by then others have its items. */
  | { readonly kind: 'freeze-downloader'; readonly forMs: number }
  | { readonly kind: 'kill-temporal-worker' }
  /** Its collector is a zombie afterwards: its attempt timed out. */
  | { readonly kind: 'freeze-temporal-worker'; readonly forMs: number }
  | { readonly kind: 'stop-temporal-server'; readonly forMs: number }
  | { readonly kind: 'cut-queue'; readonly forMs: number }
  | {
      readonly kind: 'spoil-queue';
      readonly method: (typeof spoilableCalls)[number][0];
      readonly of: (typeof spoilableCalls)[number][1];
      readonly how: RpcFault;
      readonly forMs: number;
    }
  /** The emulator is restarted: topics, subscriptions and messages are gone. */
  | { readonly kind: 'lose-queue' }
  | { readonly kind: 'spoil-storage'; readonly how: StorageFault; readonly times: number }
  /** All of the disk that downloaders stage their files on. */
  | { readonly kind: 'fill-disk'; readonly forMs: number }
  /** The clock of all downloaders, and back. */
  | { readonly kind: 'set-clock'; readonly byMs: number; readonly forMs: number }
  /** Another run of the same workflow id does the rest. */
  | { readonly kind: 'cancel-run' }
  | { readonly kind: 'pause-run'; readonly forMs: number }
  | { readonly kind: 'scale-run'; readonly workers: number };

/** A fault, the quiet before it, and which of those that it may hit: 0 is the first, just below 1 the last. */
export type Shock = { readonly afterMs: number; readonly place: number; readonly fault: Fault };

/** A run that has to end exact, whatever happens. */
export type RunShape = {
  readonly count: number;
  /** What the site takes for each item. */
  readonly seconds: number;
  /** How it misbehaves first for some of them. */
  readonly trouble: Trouble;
  /** The first streams into the bucket; the second stages a file and is a program of its own, started for each item. */
  readonly task: 'http' | 'command';
  readonly workers: number;
  readonly concurrency: number;
};

/** Calls whose failing must cost nothing but time. */
const spoilableCalls = [
  ['Pull', 'items'],
  ['Acknowledge', 'items'],
  ['ModifyAckDeadline', 'items'],
  ['Publish', 'items'],
  ['Publish', 'outcomes'],
  ['Pull', 'outcomes'],
  ['Acknowledge', 'outcomes'],
] as const;

/** Calls that nobody misses at once who is told that they were done: an ack, and an outcome. */
const swallowable: readonly unknown[] = spoilableCalls.filter(
  ([method, of]) => method === 'Acknowledge' || (method === 'Publish' && of === 'outcomes'),
);

const second = 1_000;
const hour = 3_600 * second;
const milliseconds = (leastSeconds: number, mostSeconds: number) =>
  fc.integer({ min: leastSeconds * second, max: mostSeconds * second });

const queueFault = fc
  .record({
    call: fc.constantFrom(...spoilableCalls),
    how: fc.constantFrom<RpcFault>('hold', 'lose-answer', 'refuse', 'swallow'),
    // Two and a half of the shortest leases: what is not acked comes back meanwhile.
    forMs: milliseconds(2, 25),
  })
  .filter(({ call, how }) => how !== 'swallow' || swallowable.includes(call))
  .map(({ call: [method, of], how, forMs }): Fault => ({
    kind: 'spoil-queue',
    method,
    of,
    how,
    forMs,
  }));

const storageFault = fc.oneof(
  fc.constantFrom(429, 500, 503).map((status): StorageFault => ({ kind: 'status', status })),
  fc.integer({ min: 1, max: 20_000 }).map((afterBytes): StorageFault => ({
    kind: 'cut',
    afterBytes,
  })),
  fc.constantFrom<StorageFault>({ kind: 'hang' }, { kind: 'lose-answer' }),
);

const kind = <Kind extends Fault['kind']>(name: Kind) => fc.constant(name);

/** Deaths of downloaders are what a fleet on Spot nodes sees most; a queue that forgets everything is the rarest. */
const fault: fc.Arbitrary<Fault> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: kind('end-downloader'),
      signal: fc.constantFrom('SIGTERM', 'SIGKILL'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('freeze-downloader'), forMs: milliseconds(1, 20) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('kill-temporal-worker') }) },
  {
    weight: 1,
    // More than the 15 s after which a silent activity is given to another attempt.
    arbitrary: fc.record({ kind: kind('freeze-temporal-worker'), forMs: milliseconds(5, 25) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('stop-temporal-server'), forMs: milliseconds(1, 30) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('cut-queue'), forMs: milliseconds(1, 60) }) },
  { weight: 6, arbitrary: queueFault },
  { weight: 1, arbitrary: fc.record({ kind: kind('lose-queue') }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: kind('spoil-storage'),
      how: storageFault,
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('fill-disk'), forMs: milliseconds(1, 15) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: kind('set-clock'),
      byMs: fc.constantFrom(-hour, hour),
      forMs: milliseconds(1, 20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('cancel-run') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('pause-run'), forMs: milliseconds(1, 20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('scale-run'), workers: fc.integer({ min: 1, max: 3 }) }),
  },
);

/** Some twenty a minute: most of them while an earlier one still lasts. */
const shock: fc.Arbitrary<Shock> = fc.record({
  afterMs: milliseconds(0, 6),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  fault,
});

/** Downloaders are processes of some 100 MB and a tenth of a core: a stack on two cores carries a handful. */
const shape: fc.Arbitrary<RunShape> = fc.record({
  count: fc.integer({ min: 1, max: 120 }),
  seconds: fc.constantFrom(0.01, 0.2, 1, 3),
  trouble: fc.record({
    kind: fc.constantFrom('failing', 'throttled', 'broken', 'lying'),
    first: fc.integer({ min: 0, max: 10 }),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  task: fc.constantFrom('http', 'command'),
  workers: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.integer({ min: 1, max: 6 }),
});

/** So many are decided in advance: more than an hour has room for. */
const decided = 2_000;

/** The same for the same seed. */
export function planCampaign(seed: number): {
  readonly shocks: readonly Shock[];
  readonly shapes: readonly RunShape[];
} {
  const sampled = { seed, numRuns: decided };
  return { shocks: fc.sample(shock, sampled), shapes: fc.sample(shape, sampled) };
}
