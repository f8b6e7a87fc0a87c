import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { buildImages } from '../../../infra/local/cluster/images/build-images.ts';
import type { Image } from '../../../infra/local/cluster/images/build-images.ts';
import { unpackLayer } from '../../../infra/local/cluster/images/pack-layer.ts';
import { startProcess } from '../../../infra/local/process.ts';
import { startSite } from '../../../infra/local/site/site.ts';
import type { Site } from '../../../infra/local/site/site.ts';
import { startTemporalServer } from '../../../infra/local/temporal-server.ts';
import { objectName } from '../../../domain/object-name.ts';
import { createWorld } from '../../workers/downloader/world.ts';
import type { World } from '../../workers/downloader/world.ts';

/**
 * What is in the images runs, as a pod would run it: as the images' user, with a root that can't be written, and one empty
 * folder that can. Needs root to change the root, but neither containerd nor a cluster.
 */

/** Where k8s/job.yaml mounts its emptyDir. */
const writable = '/staging';

type Unpacked = { root: string; entrypoint: string[]; env: Record<string, string>; user: string };

let folder: string;
let downloader: Unpacked;
let temporalWorker: Unpacked;
let world: World;
let site: Site;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotloop-images-'));
  const images = await buildImages((line) => process.stderr.write(`${line}\n`));
  [downloader, temporalWorker, world, site] = await Promise.all([
    unpack(images.downloader),
    unpack(images.temporalWorker),
    createWorld(),
    startSite({}),
  ]);
});

after(async () => {
  await site.stop();
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the images', () => {
  test('are not built again when nothing has changed', async () => {
    const reports: string[] = [];
    const first = await buildImages(() => {});
    assert.deepEqual(await buildImages((line) => reports.push(line)), first);
    assert.deepEqual(reports, []);
    assert.match(first.downloader.name, /^localhost\/spotloop-downloader:[0-9a-f]{12}$/);
  });

  test('have a shell for probes, a user without rights, and a root that stays as it is', async () => {
    for (const image of [downloader, temporalWorker]) {
      const { stdout } = await run(image, [
        '/bin/sh',
        '-c',
        `id -un; touch ${writable}/alive; test "$(find ${writable}/alive -mmin -1)" && echo alive; touch /tmp/x || echo refused`,
      ]);
      assert.deepEqual(stdout.trim().split('\n'), ['spotloop', 'alive', 'refused']);
    }
  });

  test('have the Node of the repository, and know localhost', async () => {
    const program = "require('dns').lookup('localhost', (e, a) => console.log(process.version, a))";
    for (const image of [downloader, temporalWorker]) {
      const { stdout } = await run(image, ['node', '-e', program]);
      assert.match(stdout, new RegExp(`^${process.version} (127\\.0\\.0\\.1|::1)\n$`));
    }
  });

  test("have Python's and yt-dlp's modules compiled, as no pod could keep what it compiles", async () => {
    const program = `
import os, sys, ssl, sqlite3, certifi, yt_dlp, Cryptodome.Cipher.AES
files = [getattr(module, '__cached__', None) for module in sys.modules.values()]
print([file for file in files if file and not os.path.exists(file)][:3])
`;
    const { stdout, stderr, code } = await run(downloader, ['python3', '-I', '-c', program]);
    assert.deepEqual({ stdout, stderr, code }, { stdout: '[]\n', stderr: '', code: 0 });
  });
});

describe('the downloader out of its image', () => {
  test('says in one line what is not set', async () => {
    const { code, stderr } = await run(downloader, downloader.entrypoint);
    assert.equal(code, 64);
    assert.match(stderr, /^{.*"message":"environment: SPOTLOOP_ASSIGNMENT: is not set.*}\n$/);
  });

  test('stores what its yt-dlp downloads', async () => {
    const queue = await world.run({
      kind: 'yt-dlp',
      url: `${site.address}/watch?v={key}`,
      format: 'best',
      extension: 'mp4',
      options: [],
    });
    await stores(queue, ['dQw4w9WgXcQ', '-rf', '🎬']);
  });

  test('stores what it fetches itself', async () => {
    const queue = await world.run({
      kind: 'http',
      url: `${site.address}/clips/{key}.mp4`,
      extension: 'mp4',
    });
    await stores(queue, ['aaaaaaaaaaa', 'bbbbbbbbbbb']);
  });
});

describe('the Temporal worker out of its image', () => {
  test('polls with the bundle that it brings, and judges a run spec', async () => {
    const logFolder = join(folder, 'logs');
    const server = await startTemporalServer({ logFolder });
    const env = {
      ...world.stack.env,
      TEMPORAL_ADDRESS: server.address,
      SPOTLOOP_TASK_QUEUE: 'images',
    };
    const [command, ...args] = inside(temporalWorker, temporalWorker.entrypoint, env);
    const worker = await startProcess({
      name: 'the Temporal worker',
      command: command!,
      args,
      logFile: join(logFolder, 'temporal-worker.log'),
      ready: { kind: 'line', test: (line) => line.includes('"message":"polling"') },
    });
    const connection = await Connection.connect({ address: server.address });
    try {
      const handle = await new Client({ connection }).workflow.start('downloadRun', {
        taskQueue: 'images',
        workflowId: 'judged',
        args: [{ itms: 'gs://a/b' }],
      });
      await assert.rejects(handle.result(), (error: Error) => {
        assert.match(String(error.cause), /unknown field "itms"/);
        return true;
      });
    } finally {
      await connection.close();
      await worker.stop();
      await server.stop();
    }
    assert.doesNotMatch(
      await readFile(worker.logFile, 'utf8'),
      /ERR_MODULE_NOT_FOUND|"severity":"ERROR"/,
    );
  });
});

type Queue = Awaited<ReturnType<World['run']>>;

/** Lets one downloader out of the image do these items, and looks at what it stored. */
async function stores(queue: Queue, keys: readonly string[]): Promise<void> {
  await queue.publish(keys.map((key) => ({ key })));
  const env = {
    ...world.stack.env,
    SPOTLOOP_ASSIGNMENT: JSON.stringify(queue.assignment),
    SPOTLOOP_STAGING_FOLDER: writable,
    SPOTLOOP_GRACE_SECONDS: '15',
  };
  const [command, ...args] = inside(downloader, downloader.entrypoint, env);
  const child = spawn(command!, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    const outcomes = await queue.outcomes(keys.length);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      keys.map(() => 'stored'),
      JSON.stringify(outcomes),
    );
    for (const key of keys) {
      const name = objectName(queue.assignment.prefix, key, 'mp4');
      const [stored] = await world.clients.storage
        .bucket(queue.assignment.bucket)
        .file(name)
        .download();
      const clip = await fetch(`${site.address}/clips/${encodeURIComponent(key)}.mp4`);
      assert.ok(stored.equals(Buffer.from(await clip.arrayBuffer())), key);
    }
  } finally {
    child.kill('SIGTERM');
  }
  assert.equal(await ended, 143);
}

async function unpack({ name, archive }: Image): Promise<Unpacked> {
  const content = await mkdtemp(join(folder, 'archive-'));
  await unpackLayer(archive, content);
  const [listed] = JSON.parse(await readFile(join(content, 'manifest.json'), 'utf8'));
  assert.deepEqual(listed.RepoTags, [name]);
  const { config } = JSON.parse(await readFile(join(content, listed.Config), 'utf8'));
  const root = join(content, 'root');
  // A kubelet makes the folders it mounts on.
  await mkdir(join(root, writable), { recursive: true });
  for (const layer of listed.Layers) await unpackLayer(join(content, layer), root);
  const env = Object.fromEntries(config.Env.map((line: string) => line.split('=')));
  return { root, entrypoint: config.Entrypoint, env, user: config.User };
}

/** In mounts of its own: the root read-only, one folder empty, the machine's network. $1 root, $2 user, $3 folder. */
const enter = `
set -e
mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"
mount -t tmpfs -o mode=1777 tmpfs "$1$3"; mount --rbind /dev "$1/dev"; mount -t proc proc "$1/proc"
root=$1 user=$2; shift 3
exec chroot --userspec="$user" --groups= "$root" /usr/bin/env -i "$@"
`;

/** The command line that runs another in an image, with the image's environment and this one, and nothing of ours. */
function inside(
  image: Unpacked,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string[] {
  const variables = Object.entries({ ...image.env, ...env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const script = ['/bin/sh', '-c', enter, 'sh', image.root, image.user, writable];
  return ['unshare', '--mount', ...script, ...variables, ...command];
}

async function run(
  image: Unpacked,
  commandLine: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [command, ...args] = inside(image, commandLine);
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}
