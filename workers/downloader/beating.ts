import { beatIntervalMs, encodeBeat, outcomesTopicKinds } from '../../domain/beat.ts';
import type { Beat } from '../../domain/beat.ts';
import type { Log } from '../process/log.ts';
import type { Queue } from './queue.ts';
import { messageOf } from './remote-errors.ts';

/** What the downloader says of itself on the outcomes topic. */
export type Beating = {
  /** Says it now, once. @throws whatever publishing came back with. */
  beat(): Promise<void>;
  /** Says it every {@link beatIntervalMs} until {@link stop}; a lost beat is only logged. */
  start(): void;
  /** Says it soon, because the downloader has run out of work; {@link hasWork} takes it back. */
  isIdle(): void;
  hasWork(): void;
  stop(): void;
};

/**
 * A hand that is empty for a moment between two pulls is not idle; the judge looks at beats every few seconds, so
 * one second late is soon enough.
 */
const idleSettleMs = 1_000;

export function createBeating(options: {
  queue: Pick<Queue, 'publishOutcomes'>;
  describe: () => Beat;
  log: Log;
}): Beating {
  const { queue, describe, log } = options;
  let interval: NodeJS.Timeout | undefined;
  let idleTimer: NodeJS.Timeout | undefined;

  const beat = async (): Promise<void> => {
    await queue.publishOutcomes([
      {
        text: encodeBeat(describe()),
        attributes: { [outcomesTopicKinds.attribute]: outcomesTopicKinds.beat },
      },
    ]);
  };
  const tryBeat = (): void => {
    beat().catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'beat was not sent'));
  };

  return {
    beat,
    start() {
      interval = setInterval(tryBeat, beatIntervalMs);
    },
    isIdle() {
      clearTimeout(idleTimer);
      idleTimer = setTimeout(tryBeat, idleSettleMs);
    },
    hasWork: () => clearTimeout(idleTimer),
    stop() {
      clearInterval(interval);
      clearTimeout(idleTimer);
    },
  };
}
