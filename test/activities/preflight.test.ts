import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Storage } from '@google-cloud/storage';
import type { Fleet } from '../../activities/fleets/fleet.ts';
import { createLocalFleet } from '../../activities/fleets/local.ts';
import { createPreflight } from '../../activities/preflight.ts';
import type { PreflightDeps } from '../../activities/preflight.ts';
import { ensurePart } from '../../infra/local/install/part.ts';
import { findYtDlp } from '../../infra/local/install/yt-dlp.ts';
import { startSite } from '../../infra/local/site/site.ts';
import { runFolder } from '../../domain/names.ts';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import { uniqueName } from '../support/unique-name.ts';
import {
  closeWorld,
  failureOf,
  inActivity,
  newRun,
  objectsIn,
  openWorld,
  specOf,
} from './world.ts';
import type { World } from './world.ts';

let world: World;
let local: Fleet;
before(async () => {
  world = await openWorld();
  local = createLocalFleet({
    environment: {},
    stagingFolder: world.stack.folder,
    logFolder: world.stack.folder,
    graceSeconds: 1,
    log: { warn: () => {} },
  });
});
after(() => closeWorld(world));

function preflightOf(deps: Partial<PreflightDeps>) {
  return createPreflight({
    storage: world.google.storage,
    publisher: world.google.publisher,
    isFileListAllowed: false,
    fleets: { local },
    defaultFleet: 'local',
    readSearchAttributes: () => Promise.resolve(['SpotloopState']),
    ...deps,
  });
}

function runWith(input: Partial<RunSpecInput>) {
  const destination = `gs://${world.stack.bucket}/${uniqueName('videos')}/`;
  const spec = specOf({ items: ['a'], destination, ...input });
  return { run: newRun(spec.destination.bucket), spec };
}

describe('preflight', () => {
  it('refuses a topic to tell of the end that is not there', async () => {
    const topic = `projects/${world.stack.project}/topics/${uniqueName('none')}`;
    const told = inActivity(preflightOf({}), runWith({ notify: topic, task: { kind: 'http' } }));
    equal(
      await failureOf('PreflightFailed', told),
      `find topic ${topic}: not found — create it, or correct "notify"`,
    );
  });

  it('refuses a web address to tell of the end that is none', async () => {
    const told = inActivity(
      preflightOf({}),
      runWith({ notify: 'https://[', task: { kind: 'http' } }),
    );
    equal(
      await failureOf('PreflightFailed', told),
      'notify https://[: not a web address — write it like https://host/path',
    );
  });

  it('refuses more staging than the disk has room for, unless nothing is staged', async () => {
    const deps = {
      stagingFolder: world.stack.folder,
      localCommands: { noop: { output: false }, resize: { output: true } },
    };
    const huge = { maxItemSize: '5TB', workers: 2, concurrency: 4 };
    const problemOf = async (task: RunSpecInput['task']) => {
      const run = inActivity(preflightOf(deps), runWith({ ...huge, task }));
      return failureOf('PreflightFailed', run);
    };
    for (const task of [{ kind: 'yt-dlp' }, { kind: 'command', name: 'resize' }] as const) {
      match(
        await problemOf(task),
        /^stage files in .*: .* are free, and 8 slots of "maxItemSize" 5TB may need 40TB — set a smaller "maxItemSize"/,
      );
    }
    for (const task of [{ kind: 'http' }, { kind: 'command', name: 'noop' }] as const) {
      await inActivity(preflightOf(deps), runWith({ ...huge, task }));
    }
  });

  it('passes when all is there, and leaves nothing behind', async () => {
    const { run, spec } = runWith({ task: { kind: 'command', name: 'resize' } });
    await inActivity(preflightOf({ localCommands: { resize: { output: true } } }), { run, spec });
    deepEqual(await objectsIn(world, spec.destination.prefix), []);
    deepEqual(await objectsIn(world, runFolder(run.name).root), []);
  });

  it('passes where an attempt that died left its probe', async () => {
    const { run, spec } = runWith({});
    const probe = `${spec.destination.prefix}!preflight-${run.name}`;
    await world.google.storage.bucket(run.bucket).file(probe).save('');
    await inActivity(preflightOf({}), { run, spec });
    deepEqual(await objectsIn(world, spec.destination.prefix), []);
  });

  it('tells all problems at once, one a line', async () => {
    const { run, spec } = runWith({
      items: `gs://${world.stack.bucket}/no/list`,
      destination: 'gs://no-such-bucket-anywhere/videos/',
      task: { kind: 'command', name: 'resise' },
    });
    const preflight = preflightOf({ localCommands: { resize: { output: true } } });
    const lines = (await failureOf('PreflightFailed', inActivity(preflight, { run, spec }))).split(
      '\n',
    );
    equal(lines.length, 3, lines.join('\n'));
    match(lines[0] ?? '', /^read list gs:.*no\/list: not found/);
    match(lines[1] ?? '', /^write to gs:\/\/no-such-bucket-anywhere: no such bucket — create it/);
    match(lines[2] ?? '', /^find command "resise" .*: it has resize — add it there/);
  });

  it('has the first of a page listed, and refuses a page that is not there', async () => {
    const site = await startSite({ playlists: { mine: ['a', 'b'] } });
    const ytDlp = {
      program: await ensurePart(await findYtDlp()),
      environment: process.env,
    };
    const preflight = preflightOf({ ytDlp });
    const input = (list: string): Partial<RunSpecInput> => ({
      items: `yt-dlp+${site.address}/playlist?list=${list}`,
      task: { kind: 'yt-dlp', url: '{key}' },
    });
    await inActivity(preflight, runWith(input('mine')));
    match(
      await failureOf('PreflightFailed', inActivity(preflight, runWith(input('yours')))),
      /^read list yt-dlp\+http:\S+: yt-dlp: .*HTTP Error 404.* — open the address/,
    );
    await site.stop();
  });

  const refusals: [string, Partial<RunSpecInput>, Partial<PreflightDeps>, RegExp][] = [
    [
      'a file where only the local stack may read one',
      { items: 'file:///etc/passwd' },
      {},
      /^read list file:\/\/\/etc\/passwd: this Temporal worker reads no files/,
    ],
    [
      'a page where there is no yt-dlp to list it',
      { items: 'yt-dlp+https://www.youtube.com/@GoogleDevelopers/videos' },
      {},
      /^read list yt-dlp\+https:\S+: this Temporal worker has no yt-dlp — install it where the Temporal worker runs, or set SPOTLOOP_YTDLP there$/,
    ],
    [
      'a fleet that this Temporal worker has not',
      { fleet: 'kubernetes' },
      {},
      /^find fleet "kubernetes": this Temporal worker has none — give it access to a cluster/,
    ],
    [
      'the local fleet where it is not allowed',
      { fleet: 'local' },
      { fleets: {}, defaultFleet: 'kubernetes' },
      /^find fleet "local": .* use "fleet": "kubernetes"/,
    ],
    [
      'what only pods have where downloaders are processes',
      { placement: 'one-per-node' },
      {},
      /^start fleet local: "placement" is for pods, .* use "fleet": "kubernetes"$/,
    ],
    [
      'a command where there is none',
      { task: { kind: 'command', name: 'resize' } },
      { localCommands: {} },
      /it has none — add it there/,
    ],
  ];
  for (const [what, input, deps, pattern] of refusals) {
    it(`refuses ${what}`, async () => {
      const { run, spec } = runWith(input);
      const message = await failureOf(
        'PreflightFailed',
        inActivity(preflightOf(deps), { run, spec }),
      );
      match(message, pattern);
      equal(message.split('\n').length, 1);
    });
  }

  it('names both places that may not be written', async () => {
    // Rights are nothing that the storage server knows: this one refuses everybody.
    const server = createServer((_, response) => response.writeHead(403).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const storage = new Storage({
      projectId: world.stack.project,
      apiEndpoint: `http://127.0.0.1:${port}`,
      useAuthWithCustomEndpoint: false,
    });
    const { run, spec } = runWith({});
    const message = await failureOf(
      'PreflightFailed',
      inActivity(preflightOf({ storage }), { run, spec }),
    );
    server.closeAllConnections();
    server.close();
    const { bucket, prefix } = spec.destination;
    ok(message.includes(`write to gs://${bucket}/${prefix}: forbidden (403) — give`), message);
    ok(message.includes(`write to gs://${bucket}/.spotloop/`), message);
  });
});
