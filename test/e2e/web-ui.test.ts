import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import type { RunFleet } from '../../domain/run-fleet.ts';
import { sampleInput } from '../../infra/local/directions.ts';
import { openBrowser } from '../support/browser.ts';
import { settledOf, startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/** A person who has only Temporal's Web UI. */

/** Of the sample list, seven of a hundred of which are gone. */
const items = 60;
/** The browser waits for what it looks for; the machine is busy. ms. */
const patienceMs = 60_000;

let world: RunStack;
let browser: Browser;
before(async () => {
  [world, browser] = await Promise.all([startRunStack(), openBrowser()]);
});
after(async () => {
  await browser.close();
  await world.stop();
});

describe("a run's page in Temporal's Web UI", () => {
  it('shows what it does, how far it is, its history as a story, and what can be asked', async () => {
    const { stack } = world;
    const handle = await world.start('looked-at', sampleInput(stack, items));
    // Paused, what the page shows stays as it is.
    await waitUntil(async () => (await settledOf(handle).catch(() => 0)) >= 10);
    await handle.executeUpdate('pause');
    const fleet = async () => (await handle.query<RunFleet>('fleet')).fleet;
    await waitUntil(async () => (await fleet())?.kind === 'suspended');
    const { settled, stored } = await handle.query<{ settled: number; stored: number }>('progress');
    assert.ok(settled < items);

    const { uiAddress, namespace } = stack.temporal;
    const { runId } = await handle.describe();
    const place = `${uiAddress}/namespaces/${namespace}/workflows/${handle.workflowId}/${runId}`;
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    page.setDefaultTimeout(patienceMs);

    await page.goto(`${place}/user-metadata`);
    // The UI shows Markdown in frames of their own: summary and details of its input, and the current details.
    const frames = page.locator('iframe');
    await frames.nth(2).waitFor();
    const shown = async (): Promise<string> => {
      const texts = (await frames.all()).map((frame) =>
        frame.contentFrame().locator('body').innerText(),
      );
      return (await Promise.all(texts)).join('\n');
    };
    await waitUntil(async () => /Slots of each\s+4/.test(await shown()));
    await waitUntil(async () => (await shown()).includes('→ gs://spotloop-local/videos/ (yt-dlp)'));
    await waitUntil(async () => (await shown()).includes('paused: nothing new is downloaded'));
    const text = await shown();
    const [, percent = '', done = ''] = /[█░]{25} (\d+) % \((\d+) of 60\)/.exec(text) ?? [];
    // What was in hand when it was paused may have come in since.
    assert.ok(
      Number(done) >= settled && Number(percent) === Math.floor((Number(done) / items) * 100),
      text,
    );
    assert.ok(Number(/Stored\s+(\d+) \(/.exec(text)?.[1]) >= stored, text);
    for (const row of [/Total\s+60/, /Rate\s+/, /Time left\s+/, /Downloaders\s+paused/]) {
      assert.match(text, row);
    }

    await page.goto(`${place}/history`);
    for (const summary of ['Read, check and copy the list', 'Pause the downloaders']) {
      await page.getByText(summary).first().waitFor();
    }
    await page.goto(`${place}/query`);
    await page.getByRole('button', { name: 'Run Query' }).click();
    await page.getByText('others').first().waitFor();

    await page.goto(`${place}/search-attributes`);
    await page.getByText('SpotloopDestination').first().waitFor();

    const metadata = await world.temporal(
      'workflow',
      'metadata',
      '--workflow-id',
      handle.workflowId,
    );
    for (const message of [
      'progress',
      'errors',
      'fleet',
      'pause',
      'resume',
      'scale',
      'setRateLimit',
    ]) {
      // Each with its description behind it.
      assert.match(metadata, new RegExp(`\\b${message}\\s+\\S+ \\S+`), metadata);
    }

    await handle.executeUpdate('resume');
    await handle.result();
    const { errors } = await handle.query<{ errors: { message: string; examples: string[] }[] }>(
      'errors',
    );
    assert.ok(
      errors.every(({ examples }) => examples.length > 0),
      JSON.stringify(errors),
    );
  });
});
