import type { AttemptEnding } from './task.ts';

/** Whether the site still knows the account of our cookies, as attempts tell it one after the other. */
export type SignIn = {
  /** An attempt got through, and nothing was said of cookies. */
  worked(): void;
  /** An attempt failed for want of cookies that the site takes. `cookies` is what it was asked with: renewed ones begin anew. */
  failed(cookies: string, error: string): AttemptEnding;
};

/**
 * So many in a row are no whim of the site. Each has its own copy of the file, so that what one was answered says nothing to the
 * next; the first ones close the throttle, and leave the operator's new cookies time to arrive.
 */
const failuresToBelieve = 3;

export function createSignIn(): SignIn {
  let failures = 0;
  let last = '';
  return {
    worked() {
      failures = 0;
    },
    failed(cookies, error) {
      failures = cookies === last ? failures + 1 : 1;
      last = cookies;
      return failures >= failuresToBelieve
        ? { kind: 'signed-out', error }
        : { kind: 'throttled', error, retryAfterMs: null };
    },
  };
}
