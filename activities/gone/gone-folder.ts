import { hash } from 'node:crypto';
import { sourceOf } from '../../domain/gone-key.ts';
import { runFoldersPrefix } from '../../domain/names.ts';
import type { RunSpec } from '../../domain/run-spec.ts';

/**
 * What a destination remembers of keys that are gone (docs/decisions/0012-gone-keys-are-remembered.md): an object for each run that found
 * some, named after the time of its end, which is behind all that it holds. Nobody writes to another's, so two runs at once lose nothing.
 */

/** 64 bits tell destinations of one bucket and their tasks apart. */
const printLength = 16;

/** Where the memory of a destination and a task is: no run's folder, for a run's name ends in a dash and twelve digits. */
export function goneFolder({ destination, task }: Pick<RunSpec, 'destination' | 'task'>): string {
  const print = hash('sha256', JSON.stringify([destination.prefix, ...sourceOf(task)]), 'hex');
  return `${runFoldersPrefix}gone/${print.slice(0, printLength)}/`;
}

/** The object of a run. Names sort by time. */
export function goneObject(folder: string, { run, endedAtMs }: { run: string; endedAtMs: number }) {
  return `${goneObjectsFrom(folder, endedAtMs)}-${run}.jsonl`;
}

/** Before the first name of a run that ended then or later, and behind all of those that ended before. */
export function goneObjectsFrom(folder: string, atMs: number): string {
  return `${folder}${new Date(atMs).toISOString().replaceAll(/[-:]/g, '')}`;
}
