import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { clipOf } from '../../../infra/local/site/clip.ts';

const folder = mkdtempSync(join(tmpdir(), 'spotloop-demo-'));
after(() => rmSync(folder, { recursive: true }));

const repository = fileURLToPath(new URL('../../..', import.meta.url));

function demo(...flags: string[]): Promise<{ stdout: string; stderr: string }> {
  const args = ['infra/local/demo.ts', '--folder', folder, ...flags];
  return promisify(execFile)(process.execPath, args, { cwd: repository });
}

function examples(name: string): string[] {
  return readFileSync(join(repository, 'examples', name), 'utf8')
    .trimEnd()
    .split('\n');
}

test(
  'a demo stores all but the gone ids, and a second one skips them',
  { timeout: 240_000 },
  async () => {
    const ids = examples('youtube-ids').slice(0, 12);
    const gone = new Set(examples('gone-ids'));
    const there = ids.filter((id) => !gone.has(id));
    assert.equal(there.length, 11);

    const first = await demo('--items', '12');
    assert.match(first.stdout, /12 items: 11 stored, 0 skipped, 1 failed, 0 quarantined/);
    const videos = join(folder, 'bucket', 'spotloop-local', 'videos');
    const names = readdirSync(videos).filter((name) => name.endsWith('.mp4'));
    assert.deepEqual(names.toSorted(), there.map((id) => `${id}.mp4`).toSorted());
    for (const name of names) {
      const id = basename(name, '.mp4');
      assert.ok(
        readFileSync(join(videos, name)).equals(clipOf(id)),
        `${name} is the clip of ${id}`,
      );
    }
    assert.ok(existsSync(/^report +(.*)$/m.exec(first.stdout)![1]!));

    const second = await demo('--items', '12');
    assert.match(second.stdout, /12 items: 0 stored, 11 skipped, 1 failed, 0 quarantined/);
    assert.match(second.stdout, /--fresh downloads it again/);
  },
);

test('a wrong flag is one line with the way out', async () => {
  await assert.rejects(demo('--items', 'many'), (error: { stderr?: string }) => {
    assert.match(error.stderr ?? '', /--items.*whole number from 1 to 1000/);
    return true;
  });
});
