/** Workflows that can be started by name. Only these may be exported here. */
export { downloadRun } from './download-run.ts';
export { sweepRuns } from './sweep-runs.ts';
