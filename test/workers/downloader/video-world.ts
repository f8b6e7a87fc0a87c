import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Assignment } from '../../../domain/assignment.ts';
import type { Task } from '../../../domain/task.ts';
import { findYtDlp } from '../../../infra/local/install/yt-dlp.ts';
import type { Behaviour } from '../../../infra/local/site/behaviours.ts';
import { startSite } from '../../../infra/local/site/site.ts';
import type { Site } from '../../../infra/local/site/site.ts';
import { uniqueName } from '../../support/unique-name.ts';
import { createWorld, lastWords } from './world.ts';
import type { Downloader, Run, World } from './world.ts';

export type YtDlpTask = Extract<Task, { kind: 'yt-dlp' }>;

/** The servers of one test file, a site of videos among them, and the real yt-dlp. */
export type VideoWorld = World & {
  readonly site: Site;
  /** Its path: the value for `SPOTLOOP_YTDLP`. */
  readonly ytDlp: string;
  /** A queue of videos of the site, with two attempts at each. */
  videos(task?: Partial<YtDlpTask>, overrides?: Partial<Assignment>): Promise<Run>;
  misbehave(behaviour: Partial<Behaviour> & Pick<Behaviour, 'id' | 'kind'>): Promise<void>;
  /** A file as operators mount it, and its path. */
  secretFile(content: string, mode?: number): Promise<string>;
};

export async function createVideoWorld(): Promise<VideoWorld> {
  const [world, site, { path: ytDlp }] = await Promise.all([
    createWorld(),
    startSite({}),
    findYtDlp(),
  ]);
  return {
    ...world,
    site,
    ytDlp,
    videos(task = {}, overrides = {}) {
      const url = `${site.address}/watch?v={key}`;
      const plain: YtDlpTask = { kind: 'yt-dlp', url, format: 'b', extension: 'mp4', options: [] };
      return world.run({ ...plain, ...task }, { attempts: 2, ...overrides });
    },
    async misbehave(behaviour) {
      const order = { method: 'POST', body: JSON.stringify(behaviour) };
      assert.equal((await fetch(`${site.address}/behaviour`, order)).status, 204);
    },
    async secretFile(content, mode = 0o440) {
      const file = join(world.stack.folder, uniqueName('secret'));
      await writeFile(file, content, { mode });
      return file;
    },
    async stop() {
      await site.stop();
      await world.stop();
    },
  };
}

/** What was said of an end before anything was pulled. */
export async function refusalOf(downloader: Downloader): Promise<string> {
  const { code } = await downloader.ended;
  assert.equal(code, 64, downloader.stderr());
  return String(lastWords(downloader)['message']);
}
