/**
 * Names of everything a run owns. They are derived from the run alone, so creating them again is
 * idempotent and nobody has to remember them.
 */

/** What identifies a run everywhere outside Temporal. */
export type RunRef = {
  /** `<slug of the workflow id>-<12 hex digits>`; unique, at most {@link maxRunNameLength} characters. */
  readonly name: string;
  readonly workflowId: string;
  /** The run id of the chain's first execution: the same after a continue-as-new. */
  readonly firstRunId: string;
  /** The destination's bucket, which also holds the run folder. */
  readonly bucket: string;
};

/** Kubernetes names end at 63 characters; 49 leave room for `-<generation>` and a pod's suffix. */
export const maxRunNameLength = 49;

/** What Temporal adds to the workflow id of what a schedule starts, in a slug: `-2026-11-25t07-00-00z`. */
const scheduledTime = /-\d{4}-\d\d-\d\dt\d\d-\d\d-\d\dz$/;

/**
 * A run's name. Of a long workflow id the beginning is kept, and the time of the schedule that started it, so that folders of its runs
 * sort by time. The hex digits come from the end of the first run id: Temporal's run ids are UUIDv7, whose first half is
 * a time that two runs of one minute share.
 */
export function runName(workflowId: string, firstRunId: string): string {
  const [time = ''] = scheduledTime.exec(slugOf(workflowId)) ?? [];
  return nameOf(workflowId, firstRunId, time);
}

/** The name that runs got whose first execution began before {@link runName} kept the time; such a run keeps it to its end. */
export function runNameWithoutTime(workflowId: string, firstRunId: string): string {
  return nameOf(workflowId, firstRunId, '');
}

function nameOf(workflowId: string, firstRunId: string, ending: string): string {
  const digits = firstRunId.replaceAll('-', '').slice(-12);
  const whole = slugOf(workflowId);
  const beginning = whole
    .slice(0, whole.length - ending.length)
    .slice(0, maxRunNameLength - digits.length - 1 - ending.length);
  const slug = `${beginning.replace(/-+$/, '')}${ending}`.replaceAll(/^-+|-+$/g, '');
  return slug === '' ? `run-${digits}` : `${slug}-${digits}`;
}

function slugOf(workflowId: string): string {
  return workflowId.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

/** Pub/Sub short names; a subscription has its topic's name. */
export function queueNames(run: string) {
  return {
    items: `spotloop-${run}-items`,
    /** Items that are worked on alone (I7). */
    suspects: `spotloop-${run}-suspects`,
    deadItems: `spotloop-${run}-dead-items`,
    outcomes: `spotloop-${run}-outcomes`,
  };
}

/** Where run folders are: outside every destination, for no item's name holds a "/". */
export const runFoldersPrefix = '.spotloop/';

/** Object names inside the run folder `gs://BUCKET/.spotloop/<run>/`. */
export function runFolder(run: string) {
  const root = `${runFoldersPrefix}${run}/`;
  return {
    root,
    manifest: `${root}snapshot/manifest.json`,
    snapshot: `${root}snapshot/`,
    /** Items to do: indices 0 … published-1, `itemsPerShard` a file, one key a line. */
    newShard: (shard: number, attempt?: string) =>
      `${shardFolder(root, attempt)}new/${padded(shard)}.txt`,
    /** Items whose object was there already: indices from published on. */
    presentShard: (shard: number, attempt?: string) =>
      `${shardFolder(root, attempt)}present/${padded(shard)}.txt`,
    /** Items that an earlier run found gone, with when and why: the last indices. */
    goneShard: (shard: number, attempt?: string) =>
      `${shardFolder(root, attempt)}gone/${padded(shard)}.jsonl`,
    ledger: `${root}ledger/`,
    ledgerPart: (part: number) => `${root}ledger/part-${padded(part)}.jsonl.gz`,
    ledgerCheckpoint: (part: number) => `${root}ledger/checkpoint-${padded(part)}.gz`,
    results: `${root}results.jsonl`,
    failed: `${root}failed.txt`,
    remaining: `${root}remaining.txt`,
    /** What failed and may succeed, or has no outcome. */
    retry: `${root}retry.txt`,
    /** The same, and what failed for good or was quarantined. */
    retryAll: `${root}retry-all.txt`,
    reportJson: `${root}report.json`,
    reportHtml: `${root}report.html`,
  };
}

/** Of one attempt of the snapshot; folders of older runs have no attempts. */
function shardFolder(root: string, attempt: string | undefined): string {
  return attempt === undefined ? `${root}snapshot/` : `${root}snapshot/${attempt}/`;
}

/** Zero-padded, so that a listing by name is a listing by number. */
function padded(number: number): string {
  return String(number).padStart(8, '0');
}
