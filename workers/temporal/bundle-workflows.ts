import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';

/**
 * `node bundle-workflows.ts FILE`: writes the workflow bundle. A program of its own, for the bundler grows by some 200 MB that
 * a process which runs for weeks should not keep; an image makes its bundle once, when it is built.
 */

const [, , file] = process.argv;
if (file === undefined) {
  process.stderr.write('bundle-workflows: no file to write to — give its path\n');
  process.exitCode = 64;
} else {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
  await writeFile(file, code);
}
