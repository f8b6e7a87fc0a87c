import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { sampleList, sampleInput } from '../infra/local/directions.ts';
import { openBrowser } from '../test/support/browser.ts';
import { settledOf, startRunStack, waitUntil } from '../test/support/run-stack.ts';
import type { RunStack } from '../test/support/run-stack.ts';

/**
 * `npm run pictures`: takes the pictures in this folder anew, of a real run: Temporal's Web UI while it runs, and its report.
 * The browser is found or installed by `infra/local/install/chromium.ts`.
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

async function untilShown(page: Page, text: string): Promise<void> {
  await waitUntil(async () => {
    const frames = await page.locator('iframe').all();
    const counts = frames.map((frame) => frame.contentFrame().getByText(text).count());
    return (await Promise.all(counts)).some((count) => count > 0);
  });
}

const world = await startRunStack();
const browser = await openBrowser();
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
  // The UI shows Markdown in frames of their own: the input's details, and the current ones.
  for (const text of ['Slots of each', 'Time left']) await untilShown(page, text);
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
