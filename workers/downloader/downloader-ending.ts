/** How a downloader left. */
export type DownloaderEnding =
  /** Without work for `idleExitMs`. */
  | { readonly kind: 'idle' }
  /** `stopping` was aborted, and everything in hand is settled or released, or `over` was aborted. */
  | { readonly kind: 'stopped'; readonly parting: Parting }
  /** The run's queue was not there for `idleExitMs`: the run is over, or it would have made it again. */
  | { readonly kind: 'queue-missing' }
  /** The site does not take the cookies any more: another downloader would fare no better. */
  | { readonly kind: 'signed-out'; readonly error: string }
  /** The queue could not be used from the start; `doing` says for what. */
  | { readonly kind: 'queue-refused'; readonly doing: string; readonly error: unknown };

/** What became of the items that were in hand when `stopping` was aborted. */
export type Parting = {
  settled: number;
  released: number;
  /** Neither: Pub/Sub delivers them again when their leases end. */
  abandoned: number;
};
