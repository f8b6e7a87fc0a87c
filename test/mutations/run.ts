import { install } from '../../infra/local/install/install.ts';
import { readMutations } from './mutation.ts';
import type { Mutation } from './mutation.ts';
import { copyTree, runTests, tryMutation } from './try-mutation.ts';
import type { Verdict } from './try-mutation.ts';

/**
 * `npm run test:mutations [-- [--json] NAME …]`: breaks the promises one by one, and demands that the test which is named
 * for each fails. A NAME is a mutation's, or the beginning of one: `I7`. Ends with 0 when all were noticed.
 */

/** The smallest machine we support has two cores. */
const atOnce = 2;

type Result = { readonly mutation: Mutation; readonly verdict: Verdict };

const wanted = process.argv.slice(2).filter((argument) => argument !== '--json');
const isJson = process.argv.includes('--json');
const mutations = readMutations().filter(
  ({ name }) => wanted.length === 0 || wanted.some((start) => isMeant(name, start)),
);
if (mutations.length === 0) {
  process.stderr.write(`test:mutations: none is called ${wanted.join(' or ')}\n`);
  process.exit(1);
}

/** Ctrl-C ends the tests that run and removes their trees. */
const leaving = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => leaving.abort());

await install();
const broken = await brokenBefore();
const results: Result[] = [];
await inLanes(mutations, async (mutation) => {
  const message = broken.get(keyOf(mutation));
  const verdict: Verdict =
    message === undefined
      ? await tryMutation(mutation, leaving.signal)
      : { kind: 'unusable', message };
  results.push({ mutation, verdict });
  progress(`${results.length} of ${mutations.length} mutations, last ${mutation.name}`);
});
progress('');
results.sort((a, b) => mutations.indexOf(a.mutation) - mutations.indexOf(b.mutation));
process.stdout.write(isJson ? asJson(results) : asTable(results));
const isWhole = results.length === mutations.length;
if (!isWhole || results.some(({ verdict }) => verdict.kind !== 'killed')) process.exitCode = 1;

/** `I1` is meant by `I1`, and `I10` is not. */
function isMeant(name: string, start: string): boolean {
  return name === start || name.startsWith(start.includes('-') ? start : `${start}-`);
}

function keyOf({ file, test }: Mutation): string {
  return `${file} ${test}`;
}

/** The named tests of the source as it is: one that fails already would notice anything. */
async function brokenBefore(): Promise<Map<string, string>> {
  const files = Map.groupBy(mutations, ({ file }) => file);
  const found = new Map<string, string>();
  const tree = await copyTree();
  let done = 0;
  await inLanes([...files], async ([file, named]) => {
    const names = [...new Set(named.map(({ test }) => test))];
    const told = await runTests(tree.folder, file, { names, signal: leaving.signal });
    for (const mutation of named) {
      const one = told.find(({ name }) => name === mutation.test);
      if (one?.ending === 'passed') continue;
      const why = one === undefined ? 'there is none of that name' : one.message;
      found.set(keyOf(mutation), `without the mutation the test does not pass: ${why}`);
    }
    done += 1;
    progress(`${done} of ${files.size} test files without mutations`);
  });
  await tree.remove();
  return found;
}

async function inLanes<One>(all: readonly One[], work: (one: One) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let one = all[next++]; one !== undefined; one = all[next++]) {
      if (leaving.signal.aborted) return;
      await work(one);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** One line that is written over, where a person looks on. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${line}`);
}

function asJson(all: readonly Result[]): string {
  const rows = all.map(({ mutation, verdict }) => {
    const { name, promise, breaks, file, test } = mutation;
    return { name, promise, breaks, file, test, ...verdict };
  });
  return `${JSON.stringify(rows, null, 2)}\n`;
}

function asTable(all: readonly Result[]): string {
  const rows = all.map(({ mutation, verdict }) => [
    mutation.promise,
    mutation.name,
    mutation.test,
    verdict.kind === 'killed'
      ? `killed after ${verdict.seconds.toFixed(1)} s`
      : verdict.kind.toUpperCase(),
  ]);
  const table = [['promise', 'mutation', 'test', 'verdict'], ...rows];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const notes = all.flatMap(({ mutation, verdict }) => {
    if (verdict.kind === 'killed') return [];
    const what =
      verdict.kind === 'survived'
        ? `${mutation.breaks}, and "${mutation.test}" (${mutation.file}) does not notice`
        : verdict.message;
    return [`${mutation.name}: ${what}`];
  });
  return `${[...lines, ...notes].join('\n')}\n`;
}
