import { styleText } from 'node:util';
import type { Progress } from '../domain/progress.ts';
import { formatDuration } from '../domain/units.ts';

/** 1234567 → "1,234,567". */
export const number = (value: number): string => value.toLocaleString('en-US');

/** How many items a run settled of how many: `180/1,000`. */
export function settledText({ settled, total }: Progress): string {
  return `${number(settled)}/${total === null ? '?' : number(total)}`;
}

/**
 * The counts in words, the ones that are 0 left out, then what is going on:
 * `97 stored, 3 failed, 180/min, 12s left: downloading`. Failures are red where the stream shows colours.
 */
export function describeProgress(progress: Progress, stream?: NodeJS.WriteStream): string {
  const { stored, skipped, gone, failed, quarantined } = progress;
  const { itemsPerMinute, secondsLeft, state } = progress;
  const counts = Object.entries({ stored, skipped, gone, failed, quarantined });
  const parts = counts
    .filter(([, count]) => count > 0)
    .map(([name, count]) => {
      const text = `${number(count)} ${name}`;
      const isBad = name === 'failed' || name === 'quarantined';
      // It heeds NO_COLOR and the stream by itself.
      return isBad && stream !== undefined ? styleText('red', text, { stream }) : text;
    });
  if (itemsPerMinute !== null) parts.push(`${number(Math.round(itemsPerMinute))}/min`);
  if (secondsLeft !== null && secondsLeft > 0) {
    parts.push(`${formatDuration(Math.ceil(secondsLeft) * 1000)} left`);
  }
  return parts.length === 0 ? plain(state) : `${parts.join(', ')}: ${plain(state)}`;
}

/** A sentence of a run may quote what others said: one line, without control characters. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
