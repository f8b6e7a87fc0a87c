import { findRunFolder } from './find-run.ts';
import { parseRunFolder } from './run-folder.ts';
import type { RunPlace } from './run-folder.ts';
import { openTemporal } from './temporal.ts';

/**
 * The folder of the run that a person means: its address, for which Temporal need not be there, or a workflow id.
 * @throws Error in one line when there is none.
 */
export async function locateRun(text: string): Promise<RunPlace> {
  if (text.startsWith('gs://')) return parseRunFolder(text);
  const { client, close } = await openTemporal();
  try {
    return await findRunFolder(client, text);
  } finally {
    await close();
  }
}
