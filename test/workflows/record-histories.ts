import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { createSearchAttributes } from '../../workers/temporal/search-attributes.ts';
import { startDevServer } from './dev-server.ts';
import { endingCases } from './endings.ts';
import { runCase } from './run-case.ts';
import { runSweep, sweepName } from './run-sweep.ts';

/**
 * `npm run record:history`: writes a history for every kind of ending that has none yet. A recorded one is never replaced: it
 * stands for runs that began with the code of its day, so a change of the workflow adds new ones beside it under a new name.
 */

const folder = new URL('histories/', import.meta.url);
const [, , suffix = ''] = process.argv;

/** Where and by whom it was recorded is nobody's business, and replaying does not look at it. */
function withoutMachine(json: string): string {
  const names = new Set(['stackTrace', 'identity', 'stack']);
  return JSON.stringify(
    JSON.parse(json, (name, value: unknown) => (names.has(name) ? '' : value)),
    null,
    1,
  );
}

async function write(file: string, history: History): Promise<void> {
  const text = `${withoutMachine(historyToJSON(history))}\n`;
  await writeFile(new URL(file, folder), text, { flag: 'wx' });
  process.stdout.write(`recorded ${file}: ${history.events?.length ?? 0} events\n`);
}

await mkdir(folder, { recursive: true });
const { environment, bundle } = await startDevServer();
try {
  const { connection, client } = environment;
  await createSearchAttributes({ connection, namespace: client.options.namespace });
  for (const endingCase of endingCases) {
    const file = `${endingCase.name}${suffix === '' ? '' : `-${suffix}`}.json`;
    if (existsSync(new URL(file, folder))) continue;
    const { history } = await runCase(environment, bundle, endingCase);
    await write(file, history);
  }
  const sweepFile = `${sweepName}${suffix === '' ? '' : `-${suffix}`}.json`;
  if (!existsSync(new URL(sweepFile, folder))) {
    const { history } = await runSweep(environment, bundle, [{ closedFor: '2h' }]);
    await write(sweepFile, history);
  }
} finally {
  await environment.teardown();
}
