import { randomUUID } from 'node:crypto';
import type { Storage } from '@google-cloud/storage';
import { http, isDefinite, statusOf } from '../../activities/cloud-error.ts';
import { runFoldersPrefix } from '../../domain/names.ts';
import { saveObject } from '../../storage/save-object.ts';
import { createStorageClient } from '../../workers/process/google-clients.ts';
import { isNobodySignedIn, ok, reasonOf, signIn, wrong } from './finding.ts';
import type { Finding } from './finding.ts';

export type Place = { readonly bucket: string; readonly prefix: string };

/**
 * What a run does in its destination and in its folder, once and small: an object is written, listed, read and deleted. It has a "!"
 * in its name, as no item's has.
 */
export async function checkBucket(place: Place | undefined): Promise<readonly Finding[]> {
  if (place === undefined) {
    return [
      {
        part: 'bucket',
        state: 'skipped',
        text: 'no bucket is named',
        mend: 'give --to gs://BUCKET/PREFIX/',
      },
    ];
  }
  const { bucket, prefix } = place;
  const storage = createStorageClient();
  const tried = await Promise.all(
    [prefix, runFoldersPrefix].map((folder) => tryFolder(storage, bucket, folder)),
  );
  // Of a bucket that is not there both folders have the same to say.
  const findings = tried.filter(
    (one, at) => one !== null && tried.findIndex((other) => other?.text === one.text) === at,
  ) as Finding[];
  if (findings.length > 0) return findings;
  return [ok('bucket', `gs://${bucket}/${prefix} takes, lists, gives and deletes objects`)];
}

async function tryFolder(
  storage: Storage,
  bucket: string,
  prefix: string,
): Promise<Finding | null> {
  const name = `${prefix}!doctor-${randomUUID()}`;
  const file = storage.bucket(bucket).file(name);
  let isThere = false;
  let doing = 'write to';
  try {
    await saveObject(file, '', { preconditionOpts: { ifGenerationMatch: 0 } });
    isThere = true;
    doing = 'list';
    await storage.bucket(bucket).getFiles({ prefix: name, autoPaginate: false, maxResults: 1 });
    doing = 'read from';
    await file.download();
    doing = 'delete from';
    await file.delete();
    return null;
  } catch (error) {
    const wayOut = mendOf(error, bucket);
    const isOfFolder = isDefinite(error) && statusOf(error) !== http.notFound;
    const place = `gs://${bucket}${isOfFolder ? `/${prefix}` : ''}`;
    // When it cannot be deleted either, who mends it has to know of it.
    const isGone =
      !isThere ||
      (await file.delete().then(
        () => true,
        () => false,
      ));
    return wrong(
      'bucket',
      `${doing} ${place}: ${reasonOf(error)}`,
      isGone ? wayOut : `${wayOut}; then delete gs://${bucket}/${name}`,
    );
  }
}

function mendOf(error: unknown, bucket: string): string {
  const server = process.env['STORAGE_EMULATOR_HOST'];
  switch (statusOf(error)) {
    case http.notFound:
      return `correct --to, or: gcloud storage buckets create gs://${bucket}`;
    case http.forbidden:
      return `give the account that runs this the role Storage Object User on bucket ${bucket}`;
    case http.unauthorized:
      return signIn;
  }
  if (isNobodySignedIn(error)) return signIn;
  return server === undefined
    ? 'check that storage.googleapis.com can be reached from here'
    : `start the storage server at ${server}, or unset STORAGE_EMULATOR_HOST`;
}
