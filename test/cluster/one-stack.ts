import { after, describe } from 'node:test';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stopClusterStack } from '../support/cluster-stack.ts';

/**
 * `node one-stack.ts FILE …`: test files in one process, and so on one stack and one cluster. Each exports `define`, which
 * describes its tests. Node's own runner takes files one by one in one process; a stack for each file is more than two
 * cores can carry.
 */

type TestFile = { readonly define: () => void };

/** Runs wait more than they work; with their tests, some ten are under way at a time. */
const filesAtOnce = 4;

/** They take minutes, most of it waiting: begun first, they end with the others. */
const long = ['back-off', 'sizes', 'disturbed', 'faults'];

/** They take both cores or the API server: one by one, when the others are done. */
const alone = ['sample-run', 'api-server', 'thousand-pods'];

const files = process.argv.slice(2);
const isIn = (names: readonly string[]) => (file: string) =>
  names.includes(basename(file, '.test.ts'));

async function load(wanted: readonly string[]): Promise<TestFile[]> {
  const loaded = wanted.map((file) => import(pathToFileURL(file).href) as Promise<TestFile>);
  return Promise.all(loaded);
}

const others = files.filter((file) => !isIn([...long, ...alone])(file));
const together = await load([...files.filter(isIn(long)), ...others]);
const oneByOne = await load(files.filter(isIn(alone)));

describe('on one cluster', { concurrency: 1 }, () => {
  describe('runs beside each other', { concurrency: filesAtOnce }, () => {
    for (const { define } of together) define();
  });
  describe('runs by themselves', { concurrency: 1 }, () => {
    for (const { define } of oneByOne) define();
  });
  after(() => stopClusterStack());
});
