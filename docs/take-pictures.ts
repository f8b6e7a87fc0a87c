import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { sampleInput } from '../infra/local/directions.ts';
import { settledOf, startRunStack, waitUntil } from '../test/support/run-stack.ts';

/**
 * `npm run pictures`: takes the pictures in this folder anew, of a real run: Temporal's Web UI while it runs, and its report.
 * Needs Chromium (Debian's package `chromium`, or its path in CHROMIUM).
 */

const chromium = process.env.CHROMIUM ?? 'chromium';

/** The Web UI loads its data after the page; Chromium waits for so much of the page's own time, ms. */
const settleMs = 8_000;

/** Sample ids of the run, and outcomes after which it is pictured: in the middle. */
const items = 100;
const pictureAfter = 45;

async function takePicture(url: string, file: string, size: { width: number; height: number }) {
  const profile = await mkdtemp(join(tmpdir(), 'spotloop-chromium-'));
  try {
    await promisify(execFile)(chromium, [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--hide-scrollbars',
      `--user-data-dir=${profile}`,
      `--window-size=${size.width},${size.height}`,
      `--virtual-time-budget=${settleMs}`,
      `--screenshot=${fileURLToPath(new URL(file, import.meta.url))}`,
      url,
    ]);
  } finally {
    await rm(profile, { recursive: true, force: true });
  }
}

const world = await startRunStack();
try {
  const { stack } = world;
  const handle = await world.start('youtube-sample', sampleInput(stack, items));
  await waitUntil(async () => (await settledOf(handle).catch(() => 0)) >= pictureAfter);
  const { uiAddress, namespace } = stack.temporal;
  await takePicture(
    `${uiAddress}/namespaces/${namespace}/workflows/${handle.workflowId}`,
    'web-ui.png',
    { width: 1400, height: 1250 },
  );
  const { runFolder } = await handle.result();
  const report = join(stack.bucketFolder, new URL(runFolder).pathname, 'report.html');
  await takePicture(pathToFileURL(report).href, 'report.png', { width: 1200, height: 1900 });
} finally {
  await world.stop();
}
