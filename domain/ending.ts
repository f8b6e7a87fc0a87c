import type { FailureType } from './failure-types.ts';

/** How a run ended, as its report says. */
export type Ending =
  | { readonly kind: 'completed' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly type: FailureType; readonly message: string };
