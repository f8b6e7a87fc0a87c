import { equal } from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { readManifest } from '../../activities/audit/read-run.ts';
import type { YtDlp } from '../../activities/list/yt-dlp-list.ts';
import { createSnapshotList } from '../../activities/snapshot-list.ts';
import { runFolder, runName } from '../../domain/names.ts';
import type { RunRef } from '../../domain/names.ts';
import { parseRunSpec } from '../../domain/run-spec.ts';
import type { RunSpec, RunSpecInput } from '../../domain/run-spec.ts';
import { createGoogleClients } from '../../workers/process/google-clients.ts';
import type { GoogleClients } from '../../workers/process/google-clients.ts';
import { startQueueAndStorage } from '../support/stack.ts';
import type { QueueAndStorage } from '../support/stack.ts';
import { uniqueName } from '../support/unique-name.ts';

/** What tests of activities stand on: the servers, and the clients as the Temporal worker makes them. */
export type World = { readonly stack: QueueAndStorage; readonly google: GoogleClients };

export async function openWorld(): Promise<World> {
  const stack = await startQueueAndStorage();
  Object.assign(process.env, stack.env);
  return { stack, google: await createGoogleClients({ projectId: stack.project }) };
}

export async function closeWorld({ stack, google }: World): Promise<void> {
  await google.close();
  await stack.stop();
}

/** A run of its own in the test's bucket. */
export function newRun(bucket: string): RunRef {
  const workflowId = uniqueName('test');
  const firstRunId = crypto.randomUUID();
  return { name: runName(workflowId, firstRunId), workflowId, firstRunId, bucket };
}

/** Input as a person types it, parsed. */
export function specOf(input: RunSpecInput): RunSpec {
  const parsed = parseRunSpec(input);
  if (parsed.kind === 'valid') return parsed.spec;
  throw new Error(parsed.problems.join('\n'));
}

/** Fails unless the promise rejects with a failure of this type that Temporal does not retry. Gives back its message. */
export async function failureOf(type: string, promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApplicationFailure)) throw error;
  equal(error.type, type);
  equal(error.nonRetryable, true);
  return error.message;
}

/** Runs one activity as the Temporal worker would; silent, for tests let activities fail on purpose. */
export function inActivity<Input, Output>(
  activity: (input: Input) => Promise<Output>,
  input: Input,
  heartbeatDetails?: unknown,
): Promise<Output> {
  return newActivity(heartbeatDetails).run(activity, input);
}

/** An activity's surroundings that a test can listen to and cancel. */
export function newActivity(heartbeatDetails?: unknown): MockActivityEnvironment {
  const silent = () => {};
  return new MockActivityEnvironment(
    { heartbeatDetails },
    {
      logger: {
        log: silent,
        trace: silent,
        debug: silent,
        info: silent,
        warn: silent,
        error: silent,
      },
    },
  );
}

/** Names of objects that begin like this. */
export async function objectsIn({ google, stack }: World, prefix: string): Promise<string[]> {
  const [files] = await google.storage.bucket(stack.bucket).getFiles({ prefix });
  return files.map((file) => file.name);
}

/** Keys in the shards of one kind that the manifest names, in order. */
export async function keysIn(
  world: World,
  run: RunRef,
  kind: 'new' | 'present' | 'gone',
): Promise<string[]> {
  const bucket = world.google.storage.bucket(world.stack.bucket);
  const keys: string[] = [];
  const { snapshot } = await readManifest(bucket, run.name);
  const folder = `${runFolder(run.name).snapshot}${snapshot.attempt}/${kind}/`;
  for (const name of await objectsIn(world, folder)) {
    const [bytes] = await bucket.file(name).download();
    keys.push(...bytes.toString('utf8').trimEnd().split('\n'));
  }
  return keys;
}

/** The activity, as on the local stack. */
export function snapshotListOf(world: World, ytDlp?: YtDlp) {
  return createSnapshotList({
    storage: world.google.storage,
    isFileListAllowed: true,
    maxComponentBytes: 255,
    ytDlp,
  });
}

/** A run over these items, into a prefix of its own. */
export function runOver(
  { stack }: World,
  items: RunSpecInput['items'],
  more: Partial<RunSpecInput> = {},
): { run: RunRef; spec: RunSpec } {
  const destination = `gs://${stack.bucket}/${uniqueName('videos')}/`;
  const spec = specOf({ items, destination, task: { kind: 'http' }, ...more });
  return { run: newRun(stack.bucket), spec };
}

/** Puts a list into the bucket and gives back its address. */
export async function listObject(
  { google, stack }: World,
  content: string | Buffer,
): Promise<string> {
  const name = `lists/${uniqueName('list')}`;
  await google.storage.bucket(stack.bucket).file(name).save(content);
  return `gs://${stack.bucket}/${name}`;
}

/** Writes a list to this machine's disk and gives back its address. */
export async function listFile({ stack }: World, content: string | Buffer): Promise<string> {
  const path = join(stack.folder, uniqueName('list'));
  await writeFile(path, content);
  return pathToFileURL(path).href;
}

/** A web server on loopback that gives one answer to all. */
export async function listServer(
  answer: (response: ServerResponse, path: string) => void,
): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => answer(response, request.url ?? ''));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}/`, close };
}
