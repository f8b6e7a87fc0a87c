import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { ensurePart } from '../../infra/local/install/part.ts';
import { findTemporalCli } from '../../infra/local/install/temporal-cli.ts';
import { bundleWorkflows } from './run-case.ts';

/** A Temporal server whose time goes on as ours does, and the workflow code. */
export type DevServer = {
  readonly environment: TestWorkflowEnvironment;
  readonly bundle: WorkflowBundleWithSourceMap;
};

/** Starts one for a test file. It suggests continue-as-new after so many events; after thousands where it is not told. */
export async function startDevServer(suggestAfterEvents?: number): Promise<DevServer> {
  const path = await ensurePart(await findTemporalCli());
  const setting = `limit.historyCount.suggestContinueAsNew=${suggestAfterEvents}`;
  const extraArgs = suggestAfterEvents === undefined ? [] : ['--dynamic-config-value', setting];
  const [environment, bundle] = await Promise.all([
    TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path }, extraArgs },
    }),
    bundleWorkflows(),
  ]);
  return { environment, bundle };
}
