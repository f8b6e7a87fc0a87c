import { sleep } from '@temporalio/workflow';

/** Sleeps for a day: only a server that skips time finishes it while a test waits. */
export async function day(): Promise<string> {
  await sleep('1 day');
  return 'a day later';
}
