import type { Beat } from '../../domain/beat.ts';
import { beatLifetimeMs } from '../../domain/beat.ts';
import type { Sample } from '../../domain/sample.ts';

type Heard = { readonly beat: Beat; readonly heardAtMs: number };

/** The last beat of each downloader, as long as it is fresh. */
export class DownloadersHeard {
  readonly #heard = new Map<string, Heard>();

  /**
   * `heardAtMs` is when Pub/Sub took the beat: neither a downloader's own clock, which may be wrong and be set back, nor the
   * moment of pulling, which makes beats look fresh that waited for a collector. Who leaves says nothing new after that.
   */
  hear(beat: Beat, heardAtMs: number): void {
    const before = this.#heard.get(beat.downloader);
    if (before !== undefined && before.heardAtMs > heardAtMs) return;
    if (before?.beat.state === 'leaving' && beat.state !== 'leaving') return;
    this.#heard.set(beat.downloader, { beat, heardAtMs });
  }

  /** Counts fresh beats, and forgets the others. A downloader that left is remembered that long too: beats may overtake. */
  count(
    nowMs: number,
    isSettled: (index: number) => boolean,
  ): Pick<Sample, 'heard' | 'idle' | 'holding' | 'throttled' | 'pausing' | 'pauseUntilMs'> {
    const held = new Set<number>();
    const counted = { heard: 0, idle: 0, throttled: 0, pausing: 0 };
    let firstGoesOnMs = Number.POSITIVE_INFINITY;
    for (const [downloader, { beat, heardAtMs }] of this.#heard) {
      if (nowMs - heardAtMs > beatLifetimeMs) {
        this.#heard.delete(downloader);
        continue;
      }
      if (beat.state === 'leaving') continue;
      counted.heard += 1;
      counted.throttled += beat.throttled;
      const goesOnMs = heardAtMs + beat.pauseMs;
      if (beat.throttled > 0 || goesOnMs > nowMs) counted.pausing += 1;
      firstGoesOnMs = Math.min(firstGoesOnMs, goesOnMs);
      if (beat.holding.length === 0) counted.idle += 1;
      for (const index of beat.holding) if (!isSettled(index)) held.add(index);
    }
    const doAllPause = counted.heard > 0 && firstGoesOnMs > nowMs;
    return { ...counted, holding: held.size, pauseUntilMs: doAllPause ? firstGoesOnMs : 0 };
  }
}
