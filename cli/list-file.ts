import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Storage } from '@google-cloud/storage';
import { describeError, http, statusOf } from '../activities/cloud-error.ts';
import { runFoldersPrefix } from '../domain/names.ts';
import { unlessAborted } from '../domain/unless-aborted.ts';

/** What is kept in memory until Cloud Storage has it, so that a broken connection costs a repetition and not the upload. */
const chunkBytes = 8 * 1024 ** 2;
/** Of a workflow id so much is in its list's name: enough to know it by. */
const longestId = 100;

/** Whether a list is given by its address, and not as a file of this machine. */
export function isAddress(list: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(list);
}

/** A path as the person meant it who typed it: npm runs its scripts in the repository, and tells where it was called. */
export function pathOf(list: string): string {
  const calledIn = process.env['npm_lifecycle_event'] === 'spotloop' && process.env['INIT_CWD'];
  return resolve(calledIn || process.cwd(), list);
}

/**
 * Looks at a list of this machine before anything is created for it.
 * @throws Error in one line when it cannot be a list.
 */
export async function checkListFile(path: string): Promise<void> {
  const refuse = (back: string, wayOut: string, cause?: unknown) =>
    new Error(`read list ${path}: ${back} — ${wayOut}`, { cause });
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw refuse('a folder', 'give a text file with a key a line');
    if (!found.isFile()) throw refuse('no file', 'write what it gives into a text file');
    await access(path, constants.R_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw refuse('no such file', 'give the path of a text file, or gs://…, https://…', cause);
    }
    if (code === 'EACCES') throw refuse('no right to read it', 'change that', cause);
    throw cause;
  }
  for await (const chunk of createReadStream(path, 'utf8')) {
    if (/\S/.test(chunk as string)) return;
  }
  throw refuse('it is empty', 'write a key a line into it');
}

/** A place of its own for a list: `gs://BUCKET/.spotloop/lists/<workflow id>-<time>.txt`. */
export function uploadedListName(workflowId: string, at: Date): string {
  const id = workflowId.replaceAll(/[^\w.-]+/g, '-').slice(0, longestId);
  return `${runFoldersPrefix}lists/${id}-${timeName(at)}.txt`;
}

/** 2026-11-25T08:31:21.123Z → 20261125T083121123. */
export function timeName(at: Date): string {
  return at.toISOString().replaceAll(/[-:.Z]/g, '');
}

/** Workflow ids are for people: named after the list, with the time, so that two runs of it are told apart. */
export function workflowIdFor(list: string, at: Date): string {
  const name = basename(list.replace(/[?#].*$/, '')).replace(/\.(txt|csv|list)$/i, '');
  const slug = name.replaceAll(/[^\w.-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return `${slug === '' ? 'run' : slug.slice(0, longestId)}-${timeName(at).slice(0, 15)}`;
}

/**
 * Streams a file into a bucket; broken off, by the signal or a failure, it leaves nothing.
 * @throws Error in one line.
 */
export async function uploadList(
  storage: Storage,
  path: string,
  { bucket, name }: { readonly bucket: string; readonly name: string },
  signal: AbortSignal,
): Promise<void> {
  const upload = storage
    .bucket(bucket)
    .file(name)
    .createWriteStream({
      resumable: true,
      chunkSize: chunkBytes,
      contentType: 'text/plain; charset=utf-8',
      preconditionOpts: { ifGenerationMatch: 0 },
    });
  try {
    // The stream of an upload that is not answered ends neither when it is told to.
    await unlessAborted(signal, pipeline(createReadStream(path), upload, { signal }));
  } catch (cause) {
    const wayOut = wayOutOf(statusOf(cause), bucket);
    throw new Error(
      `upload list ${path} to gs://${bucket}/${name}: ${describeError(cause)}${wayOut}`,
      { cause },
    );
  }
}

function wayOutOf(status: number | undefined, bucket: string): string {
  if (status === http.notFound) return ` — create bucket ${bucket}, or correct --to`;
  if (status === http.forbidden || status === http.unauthorized) {
    return ` — sign in (gcloud auth application-default login), or ask for the role Storage Object User on bucket ${bucket}`;
  }
  return '';
}
