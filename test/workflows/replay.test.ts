import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { endingCases } from './endings.ts';
import { bundleWorkflows } from './run-case.ts';
import { sweepName } from './run-sweep.ts';

const folder = new URL('histories/', import.meta.url);
const files = readdirSync(folder).toSorted();

let bundle: WorkflowBundleWithSourceMap;

before(async () => {
  bundle = await bundleWorkflows();
});

describe('recorded histories', () => {
  it('hold every kind of ending', () => {
    for (const name of [...endingCases.map((one) => one.name), sweepName]) {
      assert.ok(
        files.some((file) => file.startsWith(name)),
        `none for "${name}" — npm run record:history`,
      );
    }
  });

  for (const file of files) {
    it(`replay: ${file}`, async () => {
      const history = historyFromJSON(JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
      await Worker.runReplayHistory({ workflowBundle: bundle }, history, file);
    });
  }
});
