import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cachedPart, ensurePart } from '../../../infra/local/install/part.ts';
import type { Recipe } from '../../../infra/local/install/part.ts';

const root = mkdtempSync(join(tmpdir(), 'spotloop-part-'));
after(() => rmSync(root, { recursive: true }));

function recipe(cache: string, make: Recipe['make']): Recipe {
  const folder = join(root, cache, 'tool-1');
  return { name: 'tool 1', folder, program: 'tool', announce: 'making it', make };
}

const makeTool = (folder: string): Promise<void> => writeFile(join(folder, 'tool'), 'made');

test('a part is made once, with two lines about it, and silently there afterwards', async () => {
  const lines: string[] = [];
  const part = cachedPart(recipe('once', makeTool));
  const report = (line: string): unknown => lines.push(line);
  assert.equal(await ensurePart(part, report), join(root, 'once', 'tool-1', 'tool'));
  assert.match(lines.join('\n'), /^tool 1: making it\ntool 1: done in \d+\.\d s$/);
  await ensurePart(part, report);
  assert.equal(lines.length, 2);
});

test('a part that fails leaves nothing behind', async () => {
  const part = cachedPart(
    recipe('failing', async (folder) => {
      await makeTool(folder);
      throw new Error('no network');
    }),
  );
  await assert.rejects(ensurePart(part), /no network/);
  assert.deepEqual(readdirSync(join(root, 'failing')), []);
});

test('two that install the same part at once both get it', async () => {
  let makers = 0;
  const bothMake = Promise.withResolvers<void>();
  const part = cachedPart(
    recipe('racing', async (folder) => {
      if (++makers === 2) bothMake.resolve();
      await bothMake.promise;
      await makeTool(folder);
    }),
  );
  await Promise.all([ensurePart(part), ensurePart(part)]);
  assert.deepEqual(readdirSync(join(root, 'racing')), ['tool-1']);
});

test('what a killed installation left is removed when it is old', async () => {
  const [old, fresh] = ['.making-other-1-old', '.making-other-1-new'];
  for (const name of [old, fresh]) mkdirSync(join(root, 'swept', name), { recursive: true });
  const dayAgo = Date.now() / 1000 - 24 * 60 * 60;
  utimesSync(join(root, 'swept', old), dayAgo, dayAgo);
  await ensurePart(cachedPart(recipe('swept', makeTool)));
  assert.deepEqual(readdirSync(join(root, 'swept')).toSorted(), [fresh, 'tool-1']);
});
