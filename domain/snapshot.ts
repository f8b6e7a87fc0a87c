/** Keys a shard file holds at most: some 600 KB of video ids, 50 MB of the longest keys. */
export const itemsPerShard = 50_000;

/** What the snapshot step found and wrote; counts only, never ids (I8). */
export type Snapshot = {
  /** Items of the run: unique, checked, within `limit`. Indices 0 … total-1. */
  readonly total: number;
  /** Items to do, the first indices; then those that were in the bucket already and count as skipped; then the gone ones. */
  readonly published: number;
  readonly duplicates: number;
  readonly blankLines: number;
  /** Items that are not tried, the last indices: an earlier run found them gone. Absent where none is. */
  readonly gone?: number;
  /**
   * Which attempt wrote it: each has shards of its own, so that one that Temporal gave up on, and that works on nevertheless, writes
   * over nobody's. Absent in run folders older than that.
   */
  readonly attempt?: string;
};

/** The shard that holds an index, and its place there; the same for both kinds of shard. */
export function shardOf(index: number): { shard: number; offset: number } {
  return { shard: Math.floor(index / itemsPerShard), offset: index % itemsPerShard };
}

/** How many items were in the bucket before the run. */
export function presentOf({
  total,
  published,
  gone = 0,
}: Pick<Snapshot, 'total' | 'published' | 'gone'>): number {
  return total - published - gone;
}
