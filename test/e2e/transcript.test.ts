import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../infra/local/free-port.ts';
import { startTemporalWorker } from '../../infra/local/temporal-worker.ts';
import { commandsNotRun } from '../support/commands-not-run.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { openTranscriptTerminal } from '../support/transcript-terminal.ts';
import type { TranscriptTerminal } from '../support/transcript-terminal.ts';
import {
  bareCommandsOf,
  matchOutput,
  stepsOf,
  strayCommandsOf,
  withNames,
} from '../support/transcript.ts';
import type { Names, Step } from '../support/transcript.ts';

/** Every command of README.md and docs/ as a person types it, page by page, each page against a local stack of its own. */

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What only looks is looked at again until it is as shown: a run takes its time, and so does Temporal's list of workflows. */
const looks =
  /^(temporal (workflow|schedule|worker deployment) (list|describe\S*|query|metadata|show|count|result)|npm run spotloop -- (schedule list|status|report|audit)|gcloud (storage ls|pubsub subscriptions pull)|curl )/;
const patienceMs = 120_000;
const lookEveryMs = 1_000;

/** So long the site takes for a clip that is to be seen on its way. */
const slowSeconds = 20;

type Beside = { readonly world: RunStack; readonly folder: string; readonly keys: string[] };

/** A document whose commands are run. */
type Page = {
  readonly path: string;
  /** How many keys its list has. */
  readonly keys: number;
  /** What comes to be before a command is typed, by how that begins. What it returns is undone in the end. */
  readonly before?: Readonly<Record<string, (beside: Beside) => Promise<void | Undo>>>;
  readonly undo?: (terminal: TranscriptTerminal) => Promise<unknown>;
};

type Undo = () => Promise<void>;

const pages: readonly Page[] = [
  {
    path: 'README.md',
    keys: 5,
    before: {
      'temporal workflow start': ({ world }) => misbehave(world, 'slow', ['*']),
      'npm run spotloop -- retry': ({ world }) => misbehave(world, 'normal', ['*']),
    },
  },
  {
    path: 'docs/operating.md',
    keys: 100,
    before: {
      'temporal workflow start': ({ world, keys }) => misbehave(world, 'failing', keys.slice(1, 3)),
      'npm run spotloop -- retry films': ({ world, keys }) =>
        misbehave(world, 'normal', keys.slice(1, 3)),
      'temporal worker deployment set-current-version': startVersions,
    },
  },
  {
    path: 'docs/command.md',
    keys: 5,
    before: {
      'npm run spotloop -- run ids.txt --to gs://my-bucket/shows/': ({ world }) =>
        misbehave(world, 'slow', ['*']),
      'npm run spotloop -- watch': ({ world }) => misbehave(world, 'normal', ['*']),
      // So that it goes on when it is cancelled.
      'npm run spotloop -- run ids.txt --to gs://my-bucket/others/': ({ world }) =>
        misbehave(world, 'slow', ['*']),
    },
    undo: (terminal) => terminal.type(terminal.translate('npm run spotloop -- local down')),
  },
  {
    path: 'docs/metrics.md',
    keys: 5,
    before: {
      curl: async ({ world, keys }) => {
        const input = { items: keys, destination: 'gs://spotloop-local/videos/' };
        await (await world.start('measured', { ...input, task: clipsOf(world) })).result();
      },
    },
  },
];

function clipsOf({ stack }: RunStack) {
  return { kind: 'http', url: `${stack.site.address}/clips/{key}.mp4`, extension: 'mp4' } as const;
}

async function misbehave(world: RunStack, kind: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const body = JSON.stringify({ id, kind, ...(kind === 'slow' ? { seconds: slowSeconds } : {}) });
    const order = { method: 'POST', body };
    assert.ok((await fetch(`${world.stack.site.address}/behaviour`, order)).ok);
  }
}

/** Two versions of the Temporal worker, and a run that goes on on the older one, which was current until now. */
async function startVersions({ world, folder, keys }: Beside): Promise<Undo> {
  const { stack } = world;
  const workers = await Promise.all(
    ['2026-11-18', '2026-11-25'].map((id) =>
      startTemporalWorker({
        env: { ...stack.env, SPOTLOOP_METRICS_ADDRESS: '', TEMPORAL_WORKER_BUILD_ID: id },
        logFolder: join(folder, id),
        report: () => {},
      }),
    ),
  );
  const deployment = ['worker', 'deployment', 'set-current-version', '--yes'];
  const version = ['--deployment-name', 'spotloop', '--build-id'];
  // The server knows of a version when its Temporal worker has polled for a while.
  await waitUntil(() =>
    Promise.all(
      ['2026-11-25', '2026-11-18'].map((id) => world.temporal(...deployment, ...version, id)),
    ).then(
      () => true,
      () => false,
    ),
  );
  await world.temporal(...deployment, ...version, '2026-11-18');
  await misbehave(world, 'slow', ['*']);
  await waitUntil(
    async () =>
      !(await world.client.workflow.getHandle('films').describe()).status.name.startsWith(
        'RUNNING',
      ),
  );
  const destination = 'gs://spotloop-local/slow/';
  const handle = await world.start('films', { items: keys, destination, task: clipsOf(world) });
  // Its code answers, so it is pinned.
  await handle.query(progressQuery);
  return async () => {
    await handle.cancel();
    await assert.rejects(handle.result());
    await Promise.all(workers.map((worker) => worker.stop()));
  };
}

/** Types a command until it prints what is shown, if it only looks; else once. Returns what names stand for now. */
async function run(
  { line, command, output }: Step,
  names: Names,
  { path, terminal }: { readonly path: string; readonly terminal: TranscriptTerminal },
): Promise<Names> {
  const typed = terminal.translate(withNames(command, names));
  const startMs = performance.now();
  for (;;) {
    const text = await terminal.type(typed);
    const now = matchOutput(output, text, names);
    if (now !== null) return now;
    if (!looks.test(command) || performance.now() - startMs > patienceMs) {
      assert.fail(`${path}:${line}: ${typed}\nprints\n${text}\nbut shown is\n${output.join('\n')}`);
    }
    await sleep(lookEveryMs);
  }
}

const documentOf = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

for (const page of pages) {
  describe(page.path, () => {
    let beside: Beside;
    let terminal: TranscriptTerminal;
    const undo: Undo[] = [];

    before(async () => {
      const world = await startRunStack({
        env: { SPOTLOOP_METRICS_ADDRESS: `127.0.0.1:${await freePort()}` },
      });
      const folder = await mkdtemp(join(tmpdir(), 'spotloop-transcript-'));
      const list = 'youtube-ids';
      const keys = (await documentOf(`examples/${list}`)).split('\n').slice(0, page.keys);
      beside = { world, folder, keys };
      terminal = await openTranscriptTerminal(world, folder, keys);
      const { endpoint } = world.stack.storage;
      const url = `${endpoint}/upload/storage/v1/b/spotloop-local/o?uploadType=media&name=${list}`;
      assert.equal((await fetch(url, { method: 'POST', body: keys.join('\n') })).status, 200);
    });

    after(async () => {
      await page.undo?.(terminal);
      for (const one of undo) await one();
      await beside.world.stop();
      await rm(beside.folder, { recursive: true });
    });

    it('shows what its commands print', { timeout: 600_000 }, async (t) => {
      const steps = stepsOf(await documentOf(page.path));
      const preparations = Object.entries(page.before ?? {});
      const used = new Set<string>();
      let names: Names = new Map();
      for (const step of steps) {
        for (const [beginning, prepare] of preparations) {
          if (used.has(beginning) || !step.command.startsWith(beginning)) continue;
          used.add(beginning);
          const back = await prepare(beside);
          if (back !== undefined) undo.push(back);
        }
        const startMs = performance.now();
        names = await run(step, names, { path: page.path, terminal });
        const seconds = Math.round((performance.now() - startMs) / 100) / 10;
        t.diagnostic(`${seconds} s: ${step.command.split('\n', 1)[0]}`);
      }
      assert.deepEqual(
        preparations.map(([beginning]) => beginning).filter((beginning) => !used.has(beginning)),
        [],
        'nothing is typed that begins so',
      );
    });
  });
}

describe('the commands of README.md and docs/', () => {
  it('are run, or listed with the reason why not', async () => {
    const inDocs = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
    const wrong: string[] = [];
    const listed = new Set<string>();
    for (const path of ['README.md', ...inDocs.map((name) => `docs/${name}`)]) {
      const document = await documentOf(path);
      wrong.push(...strayCommandsOf(document).map((text) => `${path}: ${text}`));
      if (!pages.some((page) => page.path === path)) {
        wrong.push(...stepsOf(document).map(({ line }) => `${path}:${line} is not run`));
      }
      for (const { line, command } of bareCommandsOf(document)) {
        listed.add(command);
        if (!commandsNotRun.has(command)) {
          wrong.push(`${path}:${line}: "${command}" is neither run nor listed`);
        }
      }
    }
    for (const command of commandsNotRun.keys()) {
      if (!listed.has(command)) wrong.push(`"${command}" is listed, and in no document`);
    }
    assert.deepEqual(wrong, []);
  });
});
