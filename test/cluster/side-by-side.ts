import { describe } from 'node:test';
import { pathToFileURL } from 'node:url';

/**
 * `node side-by-side.ts FILE …`: test files in one process, and so on one stack and one cluster, several at a time. Node's own
 * runner takes files one by one in one process; a stack for each file is more than two cores can carry.
 */

/** Runs wait more than they work; with their tests, some ten are under way at a time. */
const filesAtOnce = 3;

describe('runs on a cluster', { concurrency: filesAtOnce }, async () => {
  for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href);
});
