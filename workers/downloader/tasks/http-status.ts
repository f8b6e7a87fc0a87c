import type { AttemptEnding } from './task.ts';

/** Statuses below 500 that may pass by themselves: RFC 9110 408 Request Timeout, RFC 8470 425 Too Early. */
const transientStatuses: readonly number[] = [408, 425];
const tooManyRequests = 429;
const unavailable = 503;

/** Of an answer, by their names in lower case. */
export type HeaderFields = { get(name: string): string | null };

/**
 * What a status means for the attempt; null when there is a body to store. 401 and 403 are permanent: we send no
 * credentials, so the same request gets the same answer, and where they mean "not any more" for all of a list (an expired
 * signature, a blocked address) the run's own breaker sees the failures pile up. 503 is throttling only where the server
 * says when to come back; without that it is a fault like other 5xx.
 */
export function judgeStatus(status: number, headers: HeaderFields): AttemptEnding | null {
  if (status >= 200 && status < 300 && status !== 204 && status !== 206) return null;
  const error = `HTTP ${status}`;
  const retryAfterMs = parseRetryAfterMs(headers.get('retry-after'), serverTimeMs(headers));
  if (status === tooManyRequests || (status === unavailable && retryAfterMs !== null)) {
    return { kind: 'throttled', error, retryAfterMs };
  }
  if (status >= 500 || transientStatuses.includes(status)) return { kind: 'transient', error };
  return { kind: 'permanent', error };
}

/** A date that a server names is one of its own clock, be ours as it may; few servers do not tell it. */
function serverTimeMs(headers: HeaderFields): number {
  const dateMs = parseHttpDateMs(headers.get('date') ?? '');
  return dateMs ?? Date.now();
}

/** An origin that says more means "never": what a number can hold, whatever was written. */
const longestRetryAfterMs = Number.MAX_SAFE_INTEGER;

/**
 * The three ways of RFC 9110, section 5.6.7, to write a date. `Date.parse` alone takes nearly anything with a number in
 * it: "soon 5", "-3" and "1.5" would be moments long past.
 */
const httpDate =
  /^(\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT|\w{6,9}, \d\d-\w{3}-\d\d [\d:]{8} GMT|\w{3} \w{3} [ \d]\d [\d:]{8} \d{4})$/;

/** Retry-After as RFC 9110 has it, seconds or a date → ms from now; null when there is none that can be read. */
export function parseRetryAfterMs(text: string | null, nowMs: number): number | null {
  const value = text?.trim() ?? '';
  if (/^\d+$/.test(value)) return Math.min(longestRetryAfterMs, Number(value) * 1000);
  const dateMs = parseHttpDateMs(value);
  return dateMs === null ? null : Math.max(0, dateMs - nowMs);
}

function parseHttpDateMs(text: string): number | null {
  if (!httpDate.test(text)) return null;
  // The third form has no zone; it is GMT like the others.
  const dateMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(dateMs) ? null : dateMs;
}
