import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { findFakeGcsServer } from './install/fake-gcs-server.ts';
import { ensurePart } from './install/part.ts';
import { startProcess } from './process.ts';

/** A running storage server. Its files stay when it stops. */
export type StorageServer = {
  /** `http://127.0.0.1:PORT`, the value for `STORAGE_EMULATOR_HOST`. */
  endpoint: string;
  stop: () => Promise<void>;
};

/** Starts fake-gcs-server on a folder, sees to it that the buckets exist, and resolves when they do. */
export async function startStorageServer(options: {
  logFolder: string;
  /** Gets one folder a bucket, in which objects are files that a person can open. */
  folder: string;
  buckets: readonly string[];
  port?: number;
}): Promise<StorageServer> {
  const port = options.port ?? (await freePort());
  const address = `127.0.0.1:${port}`;
  const endpoint = `http://${address}`;
  await mkdir(options.folder, { recursive: true });
  const server = await startProcess({
    name: 'fake-gcs-server',
    command: await ensurePart(await findFakeGcsServer()),
    args: [
      '-scheme=http',
      '-host=127.0.0.1',
      `-port=${port}`,
      // Upload and media links carry these two; the client follows them.
      `-public-host=${address}`,
      `-external-url=${endpoint}`,
      '-backend=filesystem',
      `-filesystem-root=${options.folder}`,
      // On `info` it logs every request: megabytes a run.
      '-log-level=warn',
    ],
    logFile: join(options.logFolder, 'storage-server.log'),
    ready: { kind: 'http', url: `${endpoint}/_internal/healthcheck` },
  });
  try {
    for (const bucket of options.buckets) await createBucket(endpoint, bucket);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { endpoint, stop: server.stop };
}

async function createBucket(endpoint: string, name: string): Promise<void> {
  const answer = await fetch(`${endpoint}/storage/v1/b`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  const body = await answer.text();
  // 409: it is there already, from an earlier start on the same folder.
  if (!answer.ok && answer.status !== 409) {
    throw new Error(
      `create bucket ${name} on ${endpoint}: ${answer.status} ${body.trim()} — use 3 to 63 lower-case letters, digits and dashes`,
    );
  }
}
