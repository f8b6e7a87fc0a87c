import { equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inBucket, inList, NameTable } from '../../../activities/list/name-table.ts';

describe('NameTable', () => {
  it('knows what a map would know', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.stringMatching(/^[a-c]{1,3}$/), fc.constantFrom(inBucket, inList))),
        (marks) => {
          const table = new NameTable(8);
          const model = new Map<string, number>();
          for (const [name, flag] of marks) {
            equal(table.mark(name, flag), model.get(name) ?? 0);
            model.set(name, (model.get(name) ?? 0) | flag);
          }
          for (const [name, flags] of model) equal(table.flagsOf(name), flags);
          equal(table.flagsOf('never marked'), 0);
        },
      ),
    );
  });

  it('keeps every name while it grows', () => {
    const table = new NameTable();
    const names = 50_000;
    for (let at = 0; at < names; at += 1) equal(table.mark(`name-${at}`, inList), 0);
    for (let at = 0; at < names; at += 1) equal(table.mark(`name-${at}`, inBucket), inList);
  });
});
