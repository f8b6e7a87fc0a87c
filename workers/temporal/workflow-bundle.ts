import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('bundle-workflows.ts', import.meta.url));

/**
 * The code of the workflow bundle: the one at `path`, or one made now, in a process that takes the bundler's memory
 * with it.
 */
export async function readWorkflowBundle(path: string | undefined): Promise<{ code: string }> {
  if (path !== undefined) return { code: await readFile(path, 'utf8') };
  const folder = await mkdtemp(join(tmpdir(), 'spotloop-bundle-'));
  try {
    const file = join(folder, 'workflows.js');
    await promisify(execFile)(process.execPath, [program, file]);
    return { code: await readFile(file, 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
