/** A run's fleet as its owner sees it. */
export type FleetState =
  /** Nobody knows of a fleet for this run: not started, or its owner was restarted. */
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'running';
      /** Downloaders that live. */
      readonly live: number;
      /** Downloaders asked for that have not ended idle. */
      readonly wanted: number;
      /** Downloaders that died and were replaced so far. */
      readonly replaced: number;
      /** Those of them that their machine took with it: preempted, drained, evicted. */
      readonly preempted: number;
      /** Why live is below wanted, in words, when there is a reason. */
      readonly waitingFor?: string;
    }
  | { readonly kind: 'suspended' }
  /** Every downloader ended idle. */
  | { readonly kind: 'done' }
  /** Its owner gave no answer; the message says why. Whatever runs goes on. */
  | { readonly kind: 'unknown'; readonly message: string }
  /** It cannot run; the message says why and what to do. */
  | { readonly kind: 'failed'; readonly message: string };
