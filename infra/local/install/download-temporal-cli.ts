import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';

/**
 * Lets Temporal's SDK download the official CLI of this version into a folder, and gives back the program's path. The SDK
 * only offers it together with starting the server, so one is started and stopped again.
 */
export async function downloadTemporalCli(folder: string, version: string): Promise<string> {
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder, version } },
  });
  await environment.teardown();
  const [program] = (await readdir(folder)).filter((name) => name.startsWith('temporal'));
  if (program === undefined) throw new Error(`download temporal: nothing was put into ${folder}`);
  return join(folder, program);
}
