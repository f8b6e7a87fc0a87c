import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runStep } from '../../install/run-step.ts';
import { cachedLayer } from './layer.ts';
import type { Layer } from './layer.ts';
import { contentOf, filesIn } from './source-layer.ts';

/** Where the layer has the bundle. */
export const workflowBundle = '/app/workflows.js';

const program = join('workers', 'temporal', 'bundle-workflows.ts');

/**
 * The workflows in one file, as Temporal's sandbox loads them: made here, a pod neither spends five seconds on it at each start
 * nor needs the bundler.
 */
export async function workflowBundleLayer(root: string, packages: Layer): Promise<Layer> {
  const files = await filesIn(root, ['workflows', 'domain', program]);
  return cachedLayer({
    name: 'workflow-bundle',
    modules: [import.meta.url],
    dependsOn: [packages.key, ...files, ...(await contentOf(root, files))],
    announce: 'bundling the workflows (about 5 s)',
    fill: async (content) => {
      await mkdir(join(content, 'app'));
      await runStep({
        doing: 'bundle the workflows',
        command: process.execPath,
        args: [join(root, program), join(content, workflowBundle)],
        hint: 'see what it says of the file',
      });
    },
  });
}
