import { nextStepAtMs } from '../domain/breaker.ts';
import { number } from './details.ts';
import type { RunState } from './run-state.ts';

/** What a run does because origins ask for patience, and until when; null when they don't. */
export function patienceSentence({ breaker, sample }: RunState): string | null {
  const { limit, spell, coolingUntilMs } = breaker;
  const until = timeText(nextStepAtMs(breaker) ?? 0);
  if (coolingUntilMs !== null) {
    return `cooling down until ${until}: the site keeps asking for patience; then one downloader tries again`;
  }
  const few = limit === null ? '' : ` to ${number(limit)} downloader${limit === 1 ? '' : 's'}`;
  if (spell !== null) {
    const next = limit === 1 ? 'it cools down' : 'there are fewer';
    return `slowed down${few}: the site asks for patience; unless it gives way by ${until}, ${next}`;
  }
  if (limit !== null) return `slowed down${few} until ${until}: the site asked for patience`;
  const throttled = sample?.throttled ?? 0;
  return throttled > 0
    ? `slowed down: the site asked for patience ${number(throttled)} times`
    : null;
}

/** "14:05 UTC": no step is hours away. */
function timeText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(11, 16)} UTC`;
}
