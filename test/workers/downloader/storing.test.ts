import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Assignment } from '../../../domain/assignment.ts';
import { encodeKey, objectName } from '../../../domain/object-name.ts';
import { createWorld, everythingIn } from './world.ts';
import type { Run, World } from './world.ts';

/** What becomes of an item's body: the task `http` with an origin that misbehaves in ways the sample site can't. */
let world: World;
let origin: Server;
let address: string;
/** By key. */
const answers = new Map<string, (response: ServerResponse, request: number) => void>();
const requests = new Map<string, number>();

before(async () => {
  world = await createWorld();
  origin = createServer((request, response) => {
    const key = decodeURIComponent((request.url ?? '').replace('/item/', ''));
    const count = (requests.get(key) ?? 0) + 1;
    requests.set(key, count);
    const answer = answers.get(key) ?? ((plain) => plain.end(`body of ${key}`));
    answer(response, count);
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
});
after(async () => {
  origin.close();
  origin.closeAllConnections();
  await world.stop();
});

/** Parts of 256 KiB, so that a body of a megabyte is a resumable upload of several. */
const manySlots = 128;
const partBytes = 256 * 1024;

function http(overrides: Partial<Assignment> = {}): Promise<Run> {
  return world.run({ kind: 'http', url: `${address}/item/{key}`, extension: 'bin' }, overrides);
}

async function objectOf(run: Run, key: string) {
  const file = world.clients.storage
    .bucket(run.assignment.bucket)
    .file(objectName(run.assignment.prefix, key, 'bin'));
  const [exists] = await file.exists();
  if (!exists) return null;
  const [metadata] = await file.getMetadata();
  const [content] = await file.download();
  return { file, metadata, content };
}

async function putObject(run: Run, key: string, marks: Record<string, string>): Promise<void> {
  await world.clients.storage
    .bucket(run.assignment.bucket)
    .file(objectName(run.assignment.prefix, key, 'bin'))
    .save('was here before', { resumable: false, metadata: { metadata: marks } });
}

describe('an item that is stored', { concurrency: 3 }, () => {
  it('is one object with its content type, run and index, and the outcome tells its figures', async () => {
    const run = await http();
    answers.set('typed', (response) => {
      response.setHeader('content-type', 'video/mp4');
      response.end('some bytes');
    });
    await run.publish([{ key: 'typed', index: 7 }]);
    run.start();
    const [outcome] = await run.outcomes(1);
    const object = await objectOf(run, 'typed');
    assert.equal(object?.content.toString(), 'some bytes');
    assert.equal(object.metadata.contentType, 'video/mp4');
    assert.deepEqual(object.metadata.metadata, {
      'spotloop-run': run.assignment.run,
      'spotloop-index': '7',
    });
    assert.ok(outcome?.kind === 'stored');
    assert.equal(outcome.object, object.file.name);
    assert.equal(outcome.sizeBytes, 10);
    assert.equal(outcome.crc32c, object.metadata.crc32c);
  });

  it('may be larger than one part of an upload', async () => {
    const run = await http({ concurrency: manySlots });
    const body = Buffer.alloc(3 * partBytes + 12_345, 'spotloop');
    answers.set('large', (response) => void response.end(body));
    answers.set('exact', (response) => void response.end(body.subarray(0, 2 * partBytes)));
    answers.set('empty', (response) => void response.end());
    await run.publish([{ key: 'large' }, { key: 'exact' }, { key: 'empty' }]);
    run.start();
    await run.outcomes(3);
    assert.ok((await objectOf(run, 'large'))?.content.equals(body));
    assert.equal((await objectOf(run, 'exact'))?.content.length, 2 * partBytes);
    assert.equal((await objectOf(run, 'empty'))?.content.length, 0);
  });

  it('is looked for, not fetched, when it was delivered before and is there', async () => {
    const run = await http();
    await putObject(run, 'done', { 'spotloop-run': run.assignment.run, 'spotloop-index': '0' });
    await run.publish([{ key: 'done', deaths: 1 }]);
    run.start();
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'stored');
    assert.equal(outcome.sizeBytes, 'was here before'.length);
    assert.equal(requests.get('done'), undefined);
  });

  it('counts as stored with the figures that are there when an earlier try of ours was first', async () => {
    const run = await http();
    await putObject(run, 'ours', { 'spotloop-run': run.assignment.run, 'spotloop-index': '0' });
    await run.publish([{ key: 'ours' }]);
    run.start();
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'stored');
    assert.equal(outcome.sizeBytes, 'was here before'.length);
    assert.equal(requests.get('ours'), 1);
  });

  it('is skipped, and left as it is, when the object is of another run or another item', async () => {
    const run = await http();
    await putObject(run, 'other-run', { 'spotloop-run': 'x', 'spotloop-index': '0' });
    await putObject(run, 'other-item', {
      'spotloop-run': run.assignment.run,
      'spotloop-index': '9',
    });
    await putObject(run, 'stranger', {});
    await run.publish([
      { key: 'other-run' },
      { key: 'other-item' },
      { key: 'stranger', deaths: 1 },
    ]);
    run.start();
    const outcomes = await run.outcomes(3);
    assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['skipped']));
    assert.equal((await objectOf(run, 'stranger'))?.content.toString(), 'was here before');
  });

  it('keeps hostile keys inside the prefix, each under its own name', async () => {
    const run = await http();
    const keys = ['-rf', ';rm -rf ~', '$(x)', '../../x', 'a/b', '🎬', "it's", '%2e', '{key}', '$&'];
    await run.publish(keys.map((key) => ({ key })));
    run.start();
    await run.outcomes(keys.length);
    for (const key of keys) {
      const object = await objectOf(run, key);
      assert.equal(object?.content.toString(), `body of ${key}`);
      assert.equal(object.file.name, `${run.assignment.prefix}${encodeKey(key)}.bin`);
    }
  });
});

describe('a body that is broken', { concurrency: 3 }, () => {
  it('never becomes an object, and is fetched again', async () => {
    const run = await http({ concurrency: manySlots, attempts: 2 });
    const body = Buffer.alloc(4 * partBytes, 'spotloop');
    const whole = (response: ServerResponse): void => void response.end(body);
    const broken =
      (headers: Record<string, number>, sentBytes: number) => (response: ServerResponse) => {
        response.writeHead(200, headers);
        response.write(body.subarray(0, sentBytes), () => response.socket?.destroySoon());
      };
    const kinds = {
      // Broken in the first part, and after several parts were sent.
      short: broken({ 'content-length': body.length }, 1_000),
      long: broken({ 'content-length': body.length }, 3 * partBytes + 5),
      chunked: broken({}, 2 * partBytes + 5),
      lying: broken({ 'content-length': body.length + 10 }, body.length),
    };
    for (const [kind, breaks] of Object.entries(kinds)) {
      answers.set(`${kind}-always`, breaks);
      answers.set(`${kind}-once`, (response, request) =>
        (request === 1 ? breaks : whole)(response),
      );
    }
    const keys = Object.keys(kinds).flatMap((kind) => [`${kind}-always`, `${kind}-once`]);
    await run.publish(keys.map((key) => ({ key })));
    run.start();
    const outcomes = await run.outcomes(keys.length);
    for (const [index, key] of keys.entries()) {
      const outcome = outcomes.find((one) => one.index === index);
      const object = await objectOf(run, key);
      assert.equal(outcome?.attempts, 2, key);
      if (key.endsWith('always')) {
        assert.ok(outcome.kind === 'failed' && outcome.reason === 'exhausted', key);
        assert.equal(object, null, key);
      } else {
        assert.equal(outcome.kind, 'stored', key);
        assert.ok(object?.content.equals(body), key);
      }
    }
  });

  it('is refused for good when it is larger than maxItemSize, whatever its headers say', async () => {
    const run = await http({ concurrency: manySlots, maxItemSizeBytes: 3 * partBytes });
    const body = Buffer.alloc(4 * partBytes);
    answers.set('honest', (response) => {
      response.setHeader('content-length', body.length);
      response.end(body);
    });
    answers.set('silent', (response) => {
      response.write(body);
      response.end();
    });
    await run.publish([{ key: 'honest' }, { key: 'silent' }]);
    run.start();
    for (const outcome of await run.outcomes(2)) {
      assert.ok(outcome.kind === 'failed' && outcome.reason === 'permanent');
      assert.equal(outcome.error, 'larger than maxItemSize (768KB)');
      assert.equal(outcome.attempts, 1);
    }
    assert.equal(await objectOf(run, 'honest'), null);
    assert.equal(await objectOf(run, 'silent'), null);
  });

  it('leaves nothing when the downloader has to let go of it', async () => {
    const run = await http({ concurrency: manySlots });
    const arrived = Promise.withResolvers<void>();
    answers.set('endless', (response) => {
      response.write(Buffer.alloc(3 * partBytes));
      arrived.resolve();
    });
    await run.publish([{ key: 'endless' }]);
    const downloader = run.start({ SPOTLOOP_GRACE_SECONDS: '3' });
    await arrived.promise;
    downloader.child.kill('SIGTERM');
    assert.equal((await downloader.ended).code, 143);
    assert.equal(await objectOf(run, 'endless'), null);
    const left = await run.left();
    assert.deepEqual(
      left.map(({ item }) => item.deaths),
      [0],
    );
    assert.deepEqual(await everythingIn(run.staging), []);
  });
});

describe('an origin that refuses', { concurrency: 3 }, () => {
  it('is believed when it says gone, and asked again when it fails', async () => {
    const run = await http({ attempts: 2 });
    const status = (code: number) => (response: ServerResponse) =>
      void response.writeHead(code).end();
    for (const code of [404, 410, 403, 500]) answers.set(`s${code}`, status(code));
    await run.publish([404, 410, 403, 500].map((code) => ({ key: `s${code}`, index: code })));
    run.start();
    const outcomes = await run.outcomes(4);
    assert.deepEqual(
      outcomes
        .toSorted((a, b) => a.index - b.index)
        .map((one) =>
          one.kind === 'failed' ? [one.index, one.reason, one.attempts, one.error] : one,
        ),
      [
        [403, 'permanent', 1, 'HTTP 403'],
        [404, 'permanent', 1, 'HTTP 404'],
        [410, 'permanent', 1, 'HTTP 410'],
        [500, 'exhausted', 2, 'HTTP 500'],
      ],
    );
  });

  it('is given its Retry-After, which costs no attempt, stops the pulling and is told in the beat', async () => {
    const run = await http({ attempts: 1, concurrency: 1 });
    const times: number[] = [];
    answers.set('busy', (response, request) => {
      times.push(performance.now());
      if (request === 1) response.writeHead(429, { 'retry-after': '7' }).end();
      else response.end('now');
    });
    await run.publish([{ key: 'busy' }]);
    const downloader = run.start();
    const [outcome] = await run.outcomes(1);
    assert.equal(outcome?.kind, 'stored');
    assert.equal(outcome.attempts, 1);
    assert.ok(times[1]! - times[0]! >= 6_900, 'waited as long as it was asked to');
    downloader.child.kill('SIGTERM');
    await run.beat(({ throttled }) => throttled === 1);
  });
});
