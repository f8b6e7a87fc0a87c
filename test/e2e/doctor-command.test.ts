import assert from 'node:assert/strict';
import { createServer } from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parts } from '../../cli/doctor/finding.ts';
import type { Finding, Part } from '../../cli/doctor/finding.ts';
import { startStorageProxy } from '../faults/storage-proxy.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { assertPlain, spotloopWith } from '../support/spotloop.ts';

/** `spotloop doctor` beside the local stack, with each part broken in turn; a real cluster's is `test/cluster/base/doctor.test.ts`. */

let world: RunStack;
let folder: string;
before(async () => {
  world = await startRunStack();
  folder = await mkdtemp(join(tmpdir(), 'spotloop-doctor-'));
});
after(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

const to = ['--to', 'gs://spotloop-local/examined/'];
/** Nobody listens there. */
const nowhere = '127.0.0.1:1';
/** gRPC's: grpc.io/docs/guides/status-codes. */
const permissionDenied = 7;

type Diagnosis = { readonly isWell: boolean; readonly findings: readonly Finding[] };

/** What the doctor finds where the environment differs by these variables. */
async function examine(
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Diagnosis & { readonly wrong: readonly Part[] }> {
  const spotloop = spotloopWith({ HOME: folder, ...world.stack.env, ...env });
  const { code, stdout, stderr } = await spotloop.run('doctor', '--json', ...args);
  assert.equal(stderr, '');
  const diagnosis = JSON.parse(stdout) as Diagnosis;
  const wrong = diagnosis.findings.filter(({ state }) => state === 'wrong');
  assert.deepEqual([code, diagnosis.isWell], wrong.length > 0 ? [1, false] : [0, true]);
  for (const { part, mend } of wrong) assert.ok(mend, `${part} is not to be mended`);
  return { ...diagnosis, wrong: wrong.map(({ part }) => part) };
}

/** All findings about a part, as a person reads them. */
function textsOf({ findings }: Diagnosis, part: Part): string {
  return findings
    .filter((finding) => finding.part === part)
    .map(({ state, text, mend }) => `${state}: ${text} → ${mend}`)
    .join('\n');
}

/** A Pub/Sub that refuses all that is asked of it: the emulator knows no rights. */
async function startRefusingPubsub() {
  const server = createServer();
  server.on('stream', (stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': permissionDenied },
      { endStream: true },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => server.close(),
  };
}

async function kubeconfigFor(server: string): Promise<string> {
  const path = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

describe('spotloop doctor', () => {
  it('finds nothing wrong with the local stack, and leaves nothing behind', async () => {
    const spotloop = spotloopWith({ HOME: folder, ...world.stack.env });
    const printed = await spotloop.run('doctor', ...to);
    assert.deepEqual([printed.code, printed.stderr], [0, ''], printed.stdout);
    assertPlain(printed);
    const lines = printed.stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.slice(0, -1).map((line) => line.split(/ +/).slice(0, 2)),
      parts.map((part) => [part === 'cluster' ? 'skipped' : 'ok', part]),
    );
    assert.equal(lines.at(-1), 'nothing is wrong');
    assert.deepEqual(await world.objects('examined'), []);
    assert.deepEqual(
      (await world.objects('.spotloop')).filter((name) => name.includes('doctor')),
      [],
    );
    const left = async () => (await world.queueLeft()).filter((name) => name.includes('doctor'));
    await waitUntil(async () => (await left()).length === 0);
  });
});

describe('spotloop doctor, where a part is broken,', { concurrency: 2 }, () => {
  it('names Temporal that does not answer, and looks at the rest', async () => {
    const found = await examine({ TEMPORAL_ADDRESS: nowhere }, ...to);
    assert.deepEqual(found.wrong, ['temporal']);
    assert.match(
      textsOf(found, 'temporal'),
      /^wrong: connect to Temporal at 127\.0\.0\.1:1: no answer.* → set TEMPORAL_ADDRESS/,
    );
    assert.match(textsOf(found, 'temporal-worker'), /^skipped: /);
    assert.match(textsOf(found, 'pubsub'), /^ok: /);
    assert.match(textsOf(found, 'bucket'), /^ok: /);
  });

  it('names a namespace and a profile that are not there', async () => {
    const found = await examine({ TEMPORAL_NAMESPACE: 'moon' }, ...to);
    assert.deepEqual(found.wrong, ['temporal']);
    assert.match(
      textsOf(found, 'temporal'),
      /^wrong: describe namespace moon at .*not found.* → set TEMPORAL_NAMESPACE .*create --namespace moon$/,
    );
    const other = await examine({ TEMPORAL_PROFILE: 'moon' }, ...to);
    assert.deepEqual(other.wrong, ['temporal']);
    assert.match(textsOf(other, 'temporal'), /moon/);
  });

  it('names a task queue that nobody polls', async () => {
    const found = await examine({}, ...to, '--task-queue', 'nobody');
    assert.deepEqual(found.wrong, ['temporal-worker']);
    assert.match(
      textsOf(found, 'temporal-worker'),
      /nobody polls task queue nobody of namespace default for workflows and activities → start a Temporal worker/,
    );
  });

  it('advises search attributes where the namespace lacks them, which is not wrong', async () => {
    await world.temporal('operator', 'namespace', 'create', '--namespace', 'bare');
    const bare = { TEMPORAL_NAMESPACE: 'bare' };
    // A new namespace is known to all of the server after some seconds.
    await waitUntil(async () => !(await examine(bare)).wrong.includes('temporal'));
    const found = await examine(bare);
    assert.deepEqual(found.wrong, ['temporal-worker']);
    assert.match(
      textsOf(found, 'search-attributes'),
      /^advice: .*lacks SpotloopState.* → spotloop search-attributes create$/,
    );
  });

  it('names Pub/Sub that is away, that refuses, and a project that nobody names', async () => {
    const away = await examine({ PUBSUB_EMULATOR_HOST: nowhere }, ...to);
    assert.deepEqual(away.wrong, ['pubsub']);
    assert.match(
      textsOf(away, 'pubsub'),
      /^wrong: create topic .*: connect ECONNREFUSED .* → start the emulator at 127\.0\.0\.1:1/,
    );
    const { host, stop } = await startRefusingPubsub();
    const refusing = await examine({ PUBSUB_EMULATOR_HOST: host }, ...to).finally(stop);
    assert.deepEqual(refusing.wrong, ['pubsub']);
    assert.match(
      textsOf(refusing, 'pubsub'),
      /^wrong: create topic .*: permission denied → give .* role Pub\/Sub Editor on project spotloop-local$/,
    );
    const nameless = await examine({ GOOGLE_CLOUD_PROJECT: '' }, ...to);
    assert.deepEqual(nameless.wrong, ['pubsub']);
    assert.match(textsOf(nameless, 'pubsub'), / → set GOOGLE_CLOUD_PROJECT, or give --project$/);
  });

  it('says that nobody is signed in to Google Cloud', async () => {
    const { PUBSUB_EMULATOR_HOST: _, ...env } = world.stack.env;
    const spotloop = spotloopWith({ ...env, HOME: folder });
    const { code, stdout, stderr } = await spotloop.run('doctor', ...to);
    assert.deepEqual([code, stderr], [1, '']);
    assert.match(
      stdout,
      /^wrong +pubsub +sign in to Google Cloud: Could not load the default credentials.*\n +→ sign in: gcloud auth application-default login$/m,
    );
    assert.match(stdout, /\nto be mended: pubsub\n$/);
  });

  it('names a bucket that is not there, and storage that is away', async () => {
    const none = await examine({}, '--to', 'gs://moon/x/');
    assert.deepEqual(none.wrong, ['bucket']);
    assert.match(
      textsOf(none, 'bucket'),
      /^wrong: write to gs:\/\/moon: not found \(404\) → correct --to, or: gcloud storage buckets create gs:\/\/moon$/,
    );
    const away = await examine({ STORAGE_EMULATOR_HOST: `http://${nowhere}` }, ...to);
    assert.deepEqual(away.wrong, ['bucket']);
    assert.match(
      textsOf(away, 'bucket'),
      /^wrong: write to gs:\/\/spotloop-local: connect ECONNREFUSED .* → start the storage server at/,
    );
    const unnamed = await examine({});
    assert.match(textsOf(unnamed, 'bucket'), /^skipped: no bucket is named → give --to/);
  });

  it('names each right that the bucket refuses', async () => {
    for (const [method, url, doing] of [
      ['POST', /^\/upload/, 'write to'],
      ['GET', /\/o\?/, 'list'],
      ['GET', /alt=media/, 'read from'],
      ['DELETE', /./, 'delete from'],
    ] as const) {
      const proxy = await startStorageProxy(world.stack.storage.endpoint);
      proxy.inject({ method, url, times: Infinity }, { kind: 'status', status: 403 });
      const env = { STORAGE_EMULATOR_HOST: proxy.endpoint };
      const found = await examine(env, '--to', 'gs://spotloop-local/refused/').finally(proxy.stop);
      assert.deepEqual(found.wrong, ['bucket', 'bucket'], doing);
      const text = textsOf(found, 'bucket');
      for (const place of ['gs://spotloop-local/refused/', 'gs://spotloop-local/.spotloop/']) {
        assert.ok(text.includes(`wrong: ${doing} ${place}: forbidden (403) → give `), text);
      }
      // What could not be deleted is told, and only that is left.
      assert.equal(text.includes('then delete gs://'), method === 'DELETE', text);
      assert.equal((await world.objects('refused')).length, method === 'DELETE' ? 1 : 0);
    }
  });

  it('names a cluster that is away, and one that is not there though it has to be', async () => {
    const away = await examine({ KUBECONFIG: await kubeconfigFor(`http://${nowhere}`) }, ...to);
    assert.deepEqual(away.wrong, ['cluster']);
    assert.match(
      textsOf(away, 'cluster'),
      /^wrong: ask http:\/\/127\.0\.0\.1:1 for its version: .* → check that the API server/,
    );
    const none = await examine({}, ...to, '--fleet', 'kubernetes');
    assert.deepEqual(none.wrong, ['cluster']);
    assert.match(textsOf(none, 'cluster'), /no cluster is known → set KUBECONFIG/);
  });

  it('tells all that is wrong at once, and to a person what to mend', async () => {
    const spotloop = spotloopWith({
      ...world.stack.env,
      HOME: folder,
      TEMPORAL_ADDRESS: nowhere,
      PUBSUB_EMULATOR_HOST: nowhere,
    });
    const printed = await spotloop.run('doctor', '--to', 'gs://moon/x/', '--fleet', 'kubernetes');
    assert.equal(printed.code, 1);
    assertPlain(printed);
    assert.match(printed.stdout, /\nto be mended: temporal, pubsub, bucket, cluster\n$/);
    assert.equal(printed.stdout.match(/^ +→ /gm)?.length, 4);
    await spotloop.refused(/^run spec: .*--to|^--to/, 'doctor', '--to', 'moon');
  });
});
