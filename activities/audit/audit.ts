import type { Snapshot } from '../../domain/snapshot.ts';
import type { RunReport } from '../report/run-report.ts';
import type { ResultLine } from '../report/result-line.ts';
import type { Manifest } from '../list/manifest.ts';

/** What can be wrong with a run, in the words that a person reads. Their names are public: added, never renamed. */
export const problemTexts = {
  'settled-twice': 'the ledger settles an item again',
  'no-such-item': 'the ledger settles an item that the run does not have',
  'listed-twice': 'two items of the snapshot have one object name',
  'wrong-name': 'an object is not named after its key',
  missing: 'the ledger says stored or skipped, and the bucket has no such object',
  different: 'an object is not what the ledger says',
  unsettled: 'the run says that it completed, and items have no outcome',
  report: 'the report does not say what the ledger does',
} as const;

export type ProblemKind = keyof typeof problemTexts;

/** One kind of problem: how often, and the first few of them. */
export type Problem = {
  readonly kind: ProblemKind;
  readonly count: number;
  readonly examples: readonly string[];
};

/** What `spotloop audit --json` prints. Public: a field may be added, none renamed. */
export type Audit = {
  readonly run: string;
  readonly workflowId: string;
  readonly runFolder: string;
  readonly isSound: boolean;
  readonly list: Snapshot;
  readonly counts: Readonly<Record<ResultLine['outcome'], number>>;
  /** Bytes of what the run stored, by its ledger. */
  readonly storedBytes: number;
  /** Objects that are in the bucket as the ledger says. */
  readonly objects: number;
  /** Objects of the destination that are no item's of this run. */
  readonly otherObjects: number;
  /** Objects of the destination that are side files of its items. */
  readonly sideFiles: number;
  /** How the run ended, by its report; null when it has none: it goes on, or was terminated. */
  readonly ending: RunReport['ending'] | null;
  readonly problems: readonly Problem[];
};

/** Enough to see what kind of thing it is. */
const mostExamples = 5;

/** Adds up what an audit sees. */
export class AuditTally {
  items = 0;
  objects = 0;
  otherObjects = 0;
  sideFiles = 0;
  readonly #manifest: Manifest;
  readonly #runFolder: string;
  readonly #counts = { stored: 0, skipped: 0, gone: 0, failed: 0, quarantined: 0, unsettled: 0 };
  #storedBytes = 0;
  #ending: RunReport['ending'] | null = null;
  readonly #problems = new Map<ProblemKind, { count: number; examples: string[] }>();

  constructor(manifest: Manifest, runFolder: string) {
    this.#manifest = manifest;
    this.#runFolder = runFolder;
  }

  add({ outcome, bytes }: ResultLine): void {
    this.items += 1;
    this.#counts[outcome] += 1;
    if (outcome === 'stored') this.#storedBytes += bytes ?? 0;
  }

  blame(kind: ProblemKind, example: string): void {
    const problem = this.#problems.get(kind) ?? { count: 0, examples: [] };
    this.#problems.set(kind, problem);
    problem.count += 1;
    if (problem.examples.length < mostExamples) problem.examples.push(example);
  }

  /** Whether one more of a kind would be told of. */
  hasRoom(kind: ProblemKind): boolean {
    return (this.#problems.get(kind)?.examples.length ?? 0) < mostExamples;
  }

  compareReport(report: RunReport | null): void {
    if (report === null) return;
    this.#ending = report.ending;
    const { unsettled } = this.#counts;
    if (report.ending.kind === 'completed' && unsettled > 0) {
      this.blame('unsettled', `${unsettled} items`);
    }
    // Reports of older runs know of none that is gone.
    const none: { readonly gone: number } = { gone: 0 };
    const said = { ...none, ...report.counts, storedBytes: report.storedBytes };
    const is = { ...this.#counts, storedBytes: this.#storedBytes };
    for (const name of Object.keys(is) as (keyof typeof is)[]) {
      if (said[name] !== is[name]) this.blame('report', `${name} ${said[name]}, not ${is[name]}`);
    }
  }

  end(): Audit {
    const { run, workflowId, snapshot } = this.#manifest;
    return {
      run,
      workflowId,
      runFolder: this.#runFolder,
      isSound: this.#problems.size === 0,
      list: snapshot,
      counts: this.#counts,
      storedBytes: this.#storedBytes,
      objects: this.objects,
      otherObjects: this.otherObjects,
      sideFiles: this.sideFiles,
      ending: this.#ending,
      problems: [...this.#problems].map(([kind, problem]) => ({ kind, ...problem })),
    };
  }
}
