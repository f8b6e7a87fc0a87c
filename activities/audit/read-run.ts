import type { Bucket } from '@google-cloud/storage';
import { runFolder } from '../../domain/names.ts';
import { describeError, http, statusOf } from '../cloud-error.ts';
import type { RunReport } from '../report/run-report.ts';
import { decodeManifest } from '../list/manifest.ts';
import type { Manifest } from '../list/manifest.ts';

/** @throws Error when the run has no snapshot, or it can't be read. */
export async function readManifest(bucket: Bucket, run: string): Promise<Manifest> {
  const name = runFolder(run).manifest;
  const manifest = await readText(bucket, name, decodeManifest);
  if (manifest !== null) return manifest;
  throw new Error(
    `read gs://${bucket.name}/${name}: not found (404) — give a run folder, as a run's result names it`,
  );
}

/** Null when the run has none: it has not ended, or nobody was there to write it. */
export async function readReport(bucket: Bucket, run: string): Promise<RunReport | null> {
  return readText(bucket, runFolder(run).reportJson, (text) => JSON.parse(text) as RunReport);
}

async function readText<Content>(
  bucket: Bucket,
  name: string,
  decode: (text: string) => Content,
): Promise<Content | null> {
  try {
    const [bytes] = await bucket.file(name).download();
    return decode(bytes.toString('utf8'));
  } catch (cause) {
    if (statusOf(cause) === http.notFound) return null;
    throw new Error(`read gs://${bucket.name}/${name}: ${describeError(cause)}`, { cause });
  }
}
