import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWorkflowBundle } from '../../workers/temporal/workflow-bundle.ts';

/** The workflow bundle in a file, for tests that start Temporal workers again and again: each would take ten seconds of a core for its own. */
export async function makeWorkflowBundle() {
  const folder = await mkdtemp(join(tmpdir(), 'spotloop-bundle-'));
  const file = join(folder, 'workflows.js');
  await writeFile(file, (await readWorkflowBundle(undefined)).code);
  return {
    env: { SPOTLOOP_WORKFLOW_BUNDLE: file },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
