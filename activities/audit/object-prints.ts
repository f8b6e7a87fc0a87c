import { objectMarks } from '../../domain/object-marks.ts';
import { inBucket, inList, NameTable } from '../list/name-table.ts';
import type { ResultLine } from '../report/result-line.ts';

/** An object as the storage API lists it. */
export type ListedObject = {
  readonly name: string;
  readonly size?: string | number;
  readonly crc32c?: string;
  readonly metadata?: Readonly<Record<string, unknown>> | null;
};

/**
 * What an object should be, or is: size, checksum, and for one that the run stored the run and the item that it carries.
 * Null where nothing more than its name is known: it was there before the run.
 */
export function printOf(result: ResultLine, run: string): string | null {
  if (result.object === null || result.crc32c === null) return null;
  const owner = result.outcome === 'stored' ? `, of item ${result.index} of ${run}` : '';
  return `${result.bytes} bytes with CRC-32C ${result.crc32c}${owner}`;
}

/** The same of an object in the bucket, as somebody who stored it says … */
export function printOfObject(object: ListedObject): string {
  const { [objectMarks.run]: run, [objectMarks.index]: index } = object.metadata ?? {};
  return `${plainPrintOf(object)}, of item ${String(index)} of ${String(run)}`;
}

/** … and without asking who that was. */
function plainPrintOf({ size, crc32c }: ListedObject): string {
  return `${size} bytes with CRC-32C ${crc32c}`;
}

/** The objects of a run by hashes of their names, and of their names with their prints: two places an item. */
export class ObjectPrints {
  readonly #table = new NameTable();

  /** Says that an object may be there; with a print that it must be like that. */
  expect(name: string, print: string | null): 'expected' | 'expected-already' {
    if (print !== null) this.#table.mark(joined(name, print), inList);
    return (this.#table.mark(name, inList) & inList) === 0 ? 'expected' : 'expected-already';
  }

  isExpected(name: string): boolean {
    return (this.#table.flagsOf(name) & inList) !== 0;
  }

  /** Remembers an object of the bucket. */
  find(object: ListedObject): 'known' | 'unknown' {
    const { name } = object;
    if (this.#table.flagsOf(name) === 0) return 'unknown';
    this.#table.mark(name, inBucket);
    for (const print of [printOfObject(object), plainPrintOf(object)]) {
      const place = joined(name, print);
      if (this.#table.flagsOf(place) !== 0) this.#table.mark(place, inBucket);
    }
    return 'known';
  }

  /** Whether what was expected was found. */
  seen(name: string, print: string | null): 'as-expected' | 'different' | 'missing' {
    if (!this.#isFound(name)) return 'missing';
    return print === null || this.#isFound(joined(name, print)) ? 'as-expected' : 'different';
  }

  #isFound(place: string): boolean {
    return (this.#table.flagsOf(place) & inBucket) !== 0;
  }
}

/** No name of an object has a line break. */
function joined(name: string, print: string): string {
  return `${name}\n${print}`;
}
