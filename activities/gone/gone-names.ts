import { encodeGoneKey } from '../../domain/gone-key.ts';
import { inBucket, inList, knownGone, saidGone } from '../list/name-table.ts';
import type { NameTable } from '../list/name-table.ts';
import type { ShardWriter } from '../list/shard-writer.ts';
import type { GoneMemory } from './gone-memory.ts';

/** What a snapshot needs to tell which of its items are gone. */
export type GoneNames = {
  readonly memory: GoneMemory;
  readonly table: NameTable;
  /** The object name that a key has in this run. */
  readonly nameOf: (key: string) => string;
  readonly signal: AbortSignal;
};

/**
 * Marks the names of all keys that are remembered as gone: 17 bytes a place of the table. Of a list that is read to its end only its own
 * names are marked, so that ten new keys beside a million gone ones cost no memory.
 */
export async function markGoneNames(
  { memory, table, nameOf, signal }: GoneNames,
  { isListRead }: { readonly isListRead: boolean },
): Promise<void> {
  for await (const keys of memory.keys()) {
    signal.throwIfAborted();
    for (const { key } of keys) {
      const name = nameOf(key);
      if (!isListRead || (table.flagsOf(name) & inList) !== 0) table.mark(name, knownGone);
    }
  }
}

/**
 * Writes when and why the list's gone items were found gone, each once, as the latest run that tried it said. The memory is read a second
 * time, for the table holds no more than that they are.
 */
export async function writeGoneKeys(
  { memory, table, nameOf, signal }: GoneNames,
  writer: ShardWriter,
): Promise<void> {
  for await (const keys of memory.keys()) {
    signal.throwIfAborted();
    for (const one of keys) {
      const name = nameOf(one.key);
      const flags = table.flagsOf(name) & (inList | inBucket | knownGone | saidGone);
      if (flags !== (inList | knownGone)) continue;
      table.mark(name, saidGone);
      if (writer.add(encodeGoneKey(one)) === 'full') await writer.flush();
    }
  }
}
