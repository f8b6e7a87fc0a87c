import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Outcome } from '../../domain/outcome.ts';
import type { Meter, MeterReadings } from './meter.ts';
import type { AttemptEnding } from './tasks/task.ts';

/** From a file that is there already to `itemTimeout` of a stream that is recorded for half a day, s. */
const secondsBuckets = [0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1_800, 3_600, 10_800, 43_200];

/** From a thumbnail to a film in the best quality. */
const bytesBuckets = [1e4, 1e5, 1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10, 3e10];

const attemptEndings: readonly AttemptEnding['kind'][] = [
  'stored',
  'skipped',
  'permanent',
  'transient',
  'throttled',
  'signed-out',
  'interrupted',
];

/** Each way in which an item settles, with the reason where there is one. */
const outcomes = [
  { outcome: 'stored', reason: '' },
  { outcome: 'skipped', reason: '' },
  { outcome: 'failed', reason: 'permanent' },
  { outcome: 'failed', reason: 'exhausted' },
  { outcome: 'quarantined', reason: '' },
] as const;

const leaseResults = ['renewed', 'not_renewed', 'lost'] as const;

export type PrometheusMeter = Omit<Meter, 'close'> & {
  /** All metrics as of now, in Prometheus' text format. */
  read(): Promise<{ readonly text: string; readonly contentType: string }>;
};

/**
 * Counts with Prometheus' own client. No label has more values than this file lists, so a downloader tells some 70 series,
 * however long its list is; the one that says whose they are is `spotloop_downloader_info`, once a process, to be joined. Run
 * and downloader as labels of all of them would be 70 new series for each pod twice over: the collector gives each series
 * its pod anyway, and a pod works for one run. All labels are told from the start, for a rate needs the number before the first event.
 */
export function createPrometheusMeter(
  info: Readonly<Record<'run' | 'downloader' | 'task', string>>,
): PrometheusMeter {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `spotloop_downloader_${name}`, help, labelNames, registers });
  let readings: MeterReadings | undefined;

  const items = counter('items_total', 'Items that were settled here', ['outcome', 'reason']);
  const attempts = counter('attempts_total', 'Attempts at items, by how they ended', ['ending']);
  const retries = counter('retries_total', 'Attempts at items that were tried here before');
  const released = counter('items_released_total', 'Items that were given back untouched');
  const leases = counter('leases_total', 'Leases that were renewed, not renewed in a turn, lost', [
    'result',
  ]);
  const pauses = counter('throttled_pauses_total', 'Times that the origin asked for patience');
  const seconds = new Histogram({
    name: 'spotloop_downloader_item_seconds',
    help: 'From an item’s delivery to its outcome, pauses included',
    buckets: secondsBuckets,
    registers,
  });
  const bytes = new Histogram({
    name: 'spotloop_downloader_stored_bytes',
    help: 'Sizes of objects that were stored',
    buckets: bytesBuckets,
    registers,
  });
  const slots = new Gauge({
    name: 'spotloop_downloader_slots',
    help: 'Slots with an item in hand, and those without',
    labelNames: ['state'],
    registers,
  });
  const rest = new Gauge({
    name: 'spotloop_downloader_throttled_rest_seconds',
    help: 'How long it still waits for the origin’s patience; 0 when it does not',
    registers,
  });
  const identity = new Gauge({
    name: 'spotloop_downloader_info',
    help: 'Whose these metrics are; always 1',
    labelNames: ['run', 'downloader', 'task'],
    registers,
  });
  identity.set(info, 1);

  for (const labels of outcomes) items.inc(labels, 0);
  for (const ending of attemptEndings) attempts.inc({ ending }, 0);
  for (const result of leaseResults) leases.inc({ result }, 0);

  return {
    async read() {
      const used = readings?.inHand() ?? 0;
      slots.set({ state: 'used' }, used);
      slots.set({ state: 'free' }, Math.max(0, (readings?.slots ?? 0) - used));
      rest.set((readings?.restMs() ?? 0) / 1000);
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
    watch(next) {
      readings = next;
    },
    attemptEnded: (ending) => attempts.inc({ ending }),
    retried: () => retries.inc(),
    settled(outcome: Outcome) {
      const reason = outcome.kind === 'failed' ? outcome.reason : '';
      items.inc({ outcome: outcome.kind, reason });
      seconds.observe(outcome.seconds);
      if (outcome.kind === 'stored') bytes.observe(outcome.sizeBytes);
    },
    released: () => released.inc(),
    leasesRenewed: (count) => leases.inc({ result: 'renewed' }, count),
    leasesNotRenewed: (count) => leases.inc({ result: 'not_renewed' }, count),
    leaseLost: () => leases.inc({ result: 'lost' }),
    paused: () => pauses.inc(),
  };
}
