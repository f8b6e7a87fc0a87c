import { InvalidArgumentError } from 'commander';
import { runFolder, runFoldersPrefix } from '../domain/names.ts';

/** Where a run's folder is. */
export type RunPlace = { readonly bucket: string; readonly run: string };

/** @throws InvalidArgumentError in the words that a person reads. */
export function parseRunFolder(text: string): RunPlace {
  const match = /^gs:\/\/([^/]+)\/(.+)$/.exec(text.endsWith('/') ? text : `${text}/`);
  const [, bucket = '', path = ''] = match ?? [];
  const run = path.slice(runFoldersPrefix.length, -1);
  if (run === '' || run.includes('/') || path !== runFolder(run).root) {
    throw new InvalidArgumentError(
      `a run folder is gs://BUCKET/${runFoldersPrefix}RUN/, as the result of a run names it`,
    );
  }
  return { bucket, run };
}
