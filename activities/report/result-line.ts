import type { GoneKey } from '../../domain/gone-key.ts';
import { objectName } from '../../domain/object-name.ts';
import type { Outcome } from '../../domain/outcome.ts';
import type { RunSpec } from '../../domain/run-spec.ts';
import type { SideFiles } from '../../domain/side-files.ts';

/** One line of `results.jsonl`. Public: a field may be added, none renamed. */
export type ResultLine = {
  readonly key: string;
  readonly index: number;
  readonly outcome: Outcome['kind'] | 'gone' | 'unsettled';
  /** Object name in the destination's bucket; null where there is none. */
  readonly object: string | null;
  readonly bytes: number | null;
  readonly crc32c: string | null;
  /** Bytes of each side file by its suffix, which stands behind the key in its name; only where there are any. */
  readonly sideFiles?: SideFiles;
  readonly attempts: number;
  /** From delivery to outcome; null where nobody worked on it in this run. */
  readonly seconds: number | null;
  readonly reason: 'permanent' | 'exhausted' | 'deaths' | null;
  readonly error: string | null;
  /** When the outcome was known, ISO 8601; of a gone item when that was found. */
  readonly at: string | null;
};

const nothing = {
  object: null,
  bytes: null,
  crc32c: null,
  attempts: 0,
  seconds: null,
  reason: null,
  error: null,
  at: null,
} as const;

/** The line of an item that this run published; without outcome it is `unsettled`. */
export function resultOf(key: string, index: number, outcome: Outcome | undefined): ResultLine {
  if (outcome === undefined) return { key, index, outcome: 'unsettled', ...nothing };
  const { attempts, seconds } = outcome;
  const at = new Date(outcome.atMs).toISOString();
  const common = { ...nothing, attempts, seconds, at };
  switch (outcome.kind) {
    case 'stored':
    case 'skipped': {
      const { kind, object, sizeBytes, crc32c, sideFiles } = outcome;
      const figures = { object, bytes: sizeBytes, crc32c };
      return {
        key,
        index,
        outcome: kind,
        ...common,
        ...figures,
        ...(sideFiles === undefined ? {} : { sideFiles }),
      };
    }
    case 'failed': {
      const { kind, reason, error } = outcome;
      return { key, index, outcome: kind, ...common, reason, error };
    }
    case 'quarantined': {
      const error = `its downloader died ${outcome.deaths} times while working on it`;
      return { key, index, outcome: outcome.kind, ...common, reason: 'deaths', error };
    }
  }
}

/** What of a run spec the names of objects follow from. */
export type NamingSpec = Pick<RunSpec, 'destination' | 'task'>;

/** The line of an item whose object was in the bucket before the run. */
export function resultOfPresent(key: string, index: number, spec: NamingSpec): ResultLine {
  const object = objectName(spec.destination.prefix, key, spec.task.extension);
  return { key, index, outcome: 'skipped', ...nothing, object };
}

/** The line of an item that this run did not try. */
export function resultOfGone({ key, atMs, error }: GoneKey, index: number): ResultLine {
  const at = new Date(atMs).toISOString();
  return { key, index, outcome: 'gone', ...nothing, reason: 'permanent', error, at };
}
