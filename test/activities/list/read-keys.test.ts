import { deepEqual, doesNotMatch, equal, ok } from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { NameTable } from '../../../activities/list/name-table.ts';
import { mostProblemsNamed, readKeys } from '../../../activities/list/read-keys.ts';
import type { Tally } from '../../../activities/list/read-keys.ts';
import { objectName } from '../../../domain/object-name.ts';
import { foreignText } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';
import { closeWorld, openWorld } from '../world.ts';
import type { World } from '../world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

async function read(
  items: string | readonly string[],
  limit: number,
  betweenReads: () => void = () => {},
) {
  const tally: Tally = {
    lines: 0,
    blankLines: 0,
    duplicates: 0,
    unique: 0,
    wrongLines: 0,
    problems: [],
  };
  const names = { prefix: 'v/', extension: 'mp4', maxComponentBytes: 255 };
  const deps = { storage: world.google.storage, isFileListAllowed: true };
  const { signal } = new AbortController();
  const keys: string[] = [];
  const table = new NameTable();
  const reading = { items, listedAs: 'id', names, limit, table, tally, signal } as const;
  for await (const some of readKeys(deps, reading)) {
    keys.push(...some);
    betweenReads();
  }
  return { keys, tally };
}

const longestProblem = 200;

describe('readKeys', () => {
  it('accounts for every line, gives each key once, and names wrong lines in few words', async () => {
    const lines = fc.array(fc.oneof(foreignText, fc.constantFrom('a', 'b', '')), { maxLength: 30 });
    await fuzz(
      fc.asyncProperty(lines, fc.nat(40), async (items, most) => {
        const limit = most + 1;
        const { keys, tally } = await read(items, limit);
        const { lines: seen, blankLines, duplicates, unique, wrongLines, problems } = tally;
        equal(blankLines + duplicates + unique + wrongLines, seen);
        equal(seen <= items.length && (seen === items.length || unique === limit), true);
        equal(new Set(keys.map((key) => objectName('v/', key, 'mp4'))).size, unique);
        equal(problems.length, Math.min(wrongLines, mostProblemsNamed));
        for (const problem of problems) {
          ok(problem.length < longestProblem, problem.slice(0, longestProblem));
          doesNotMatch(problem, /[\r\n]/);
        }
      }),
    );
  });

  it('reads a file as it reads the same lines given inline', async () => {
    const line = foreignText.map((text) => text.toWellFormed().replaceAll('\n', ''));
    const path = join(world.stack.folder, 'list');
    await fuzz(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), async (items) => {
        await writeFile(path, items.map((text) => `${text}\n`).join(''));
        const fromFile = await read(pathToFileURL(path).href, Infinity);
        const inline = await read(items, Infinity);
        deepEqual(fromFile.keys, inline.keys);
        equal(fromFile.tally.wrongLines, inline.tally.wrongLines);
      }),
      0.5,
    );
  });

  it('counts no time of whoever takes the keys as silence of the list', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const path = join(world.stack.folder, 'long-list');
    await writeFile(path, Array.from({ length: 50_000 }, (_, at) => `key ${at}\n`).join(''));
    const listing = () => t.mock.timers.tick(120_000);
    const { keys } = await read(pathToFileURL(path).href, Infinity, listing);
    equal(keys.length, 50_000);
  });
});
