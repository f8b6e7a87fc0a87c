import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { sampleList, sampleInput } from '../infra/local/directions.ts';
import { settledOf, startRunStack, waitUntil } from '../test/support/run-stack.ts';
import type { RunStack } from '../test/support/run-stack.ts';

/**
 * `npm run pictures`: takes the pictures in this folder anew, of a real run: Temporal's Web UI while it runs, and its report.
 * Needs Chromium: Debian's package `chromium`, or its path in CHROMIUM.
 */

/** Sample ids of the run, and outcomes after which it is pictured: in the middle. */
const items = 100;
const pictureAfter = 45;

const pictureOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A list in the bucket, as a user has it: a file's address would tell whose machine this is. */
async function uploadList({ stack }: RunStack): Promise<string> {
  const url = `${stack.storage.endpoint}/upload/storage/v1/b/spotloop-local/o?uploadType=media&name=youtube-ids`;
  const body = await readFile(fileURLToPath(sampleList), 'utf8');
  const answer = await fetch(url, { method: 'POST', body });
  if (!answer.ok)
    throw new Error(`upload the sample list: ${answer.status} ${await answer.text()}`);
  return 'gs://spotloop-local/youtube-ids';
}

const world = await startRunStack();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
});
try {
  const { stack } = world;
  const input = { ...sampleInput(stack, items), items: await uploadList(world) };
  const handle = await world.start('youtube-sample', input);
  await waitUntil(async () => (await settledOf(handle).catch(() => 0)) >= pictureAfter);

  const { uiAddress, namespace } = stack.temporal;
  const { runId } = await handle.describe();
  const run = `${uiAddress}/namespaces/${namespace}/workflows/${handle.workflowId}/${runId}`;
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  await page.goto(`${run}/history`);
  await page.getByText('Collect outcomes for').first().waitFor();
  await page.screenshot({ path: pictureOf('web-ui-history.png') });
  await page.goto(`${run}/user-metadata`);
  // The UI shows Markdown in a frame of its own.
  await page.frameLocator('iframe').first().getByText('Time left').waitFor();
  await page.screenshot({ path: pictureOf('web-ui.png') });

  const { runFolder } = await handle.result();
  const report = join(stack.bucketFolder, new URL(runFolder).pathname, 'report.html');
  await page.setViewportSize({ width: 1200, height: 1900 });
  await page.goto(pathToFileURL(report).href);
  await page.screenshot({ path: pictureOf('report.png') });
} finally {
  await browser.close();
  await world.stop();
}
