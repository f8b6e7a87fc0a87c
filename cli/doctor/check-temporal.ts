import { describeError } from '../../activities/cloud-error.ts';
import { searchAttributeNames } from '../../domain/search-attributes.ts';
import { readSearchAttributes } from '../../workers/temporal/search-attributes.ts';
import { commandName } from '../command-name.ts';
import { number } from '../progress-text.ts';
import { openTemporal, temporalPlace } from '../temporal.ts';
import type { Temporal } from '../temporal.ts';
import { shellWord } from '../watch-run.ts';
import { isOlder } from './is-older.ts';
import { ok, wrong, wrongBy } from './finding.ts';
import type { Finding } from './finding.ts';

/** The sweep asks which chain an execution belongs to, which older ones do not tell. */
const oldestServer = '1.25';

/** An answer takes milliseconds. */
const callTimeoutMs = 10_000;
/** The server remembers who polled for minutes; a poll lasts one, and the next one begins at once. */
const pollsWithinMs = 90_000;

/** `TASK_QUEUE_TYPE_*` of Temporal's API. */
const taskQueueTypes = [
  ['workflows', 1],
  ['activities', 2],
] as const;

/** Temporal first; where it is in order, who polls the task queue, and the search attributes. */
export async function checkTemporal(taskQueue: string): Promise<readonly Finding[]> {
  let temporal: Temporal;
  try {
    temporal = await openTemporal();
  } catch (error) {
    const { cause } = error as Error;
    const why = cause === undefined ? '' : ` (${describeError(cause)})`;
    const finding = wrongBy(
      'temporal',
      describeMessage(error),
      'correct the profile or the variables TEMPORAL_…',
    );
    return [{ ...finding, text: `${finding.text}${why}` }, ...notReached('it does not answer')];
  }
  try {
    const finding = await checkServer(temporal);
    if (finding.state === 'wrong') return [finding, ...notReached('it is to be mended first')];
    return [finding, await checkPollers(temporal, taskQueue), await checkAttributes(temporal)];
  } finally {
    await temporal.close();
  }
}

const describeMessage = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function notReached(why: string): Finding[] {
  return (['temporal-worker', 'search-attributes'] as const).map((part) => ({
    part,
    state: 'skipped',
    text: `Temporal was not asked: ${why}`,
    mend: null,
  }));
}

async function checkServer({ client, connection }: Temporal): Promise<Finding> {
  const { address, namespace } = temporalPlace();
  const { serverVersion } = await connection.withDeadline(Date.now() + callTimeoutMs, () =>
    connection.workflowService.getSystemInfo({}),
  );
  try {
    await client.withDeadline(Date.now() + callTimeoutMs, () =>
      client.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    return wrong(
      'temporal',
      `describe namespace ${namespace} at ${address}: ${describeError(error)}`,
      `set TEMPORAL_NAMESPACE to one that is there, or: temporal operator namespace create --namespace ${shellWord(namespace)}`,
    );
  }
  if (isOlder(serverVersion, oldestServer)) {
    return wrong(
      'temporal',
      `server ${serverVersion} at ${address} is older than ${oldestServer}`,
      `upgrade it to ${oldestServer} or newer`,
    );
  }
  return ok('temporal', `${address}, namespace ${namespace}, server ${serverVersion}`);
}

async function checkPollers({ client }: Temporal, taskQueue: string): Promise<Finding> {
  const { namespace } = client.options;
  const found = await Promise.all(
    taskQueueTypes.map(async ([kind, taskQueueType]) => {
      const { pollers } = await client.withDeadline(Date.now() + callTimeoutMs, () =>
        client.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: taskQueue },
          taskQueueType,
        }),
      );
      const lately = Date.now() - pollsWithinMs;
      const polling = pollers?.filter(
        ({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 >= lately,
      );
      return { kind, identities: (polling ?? []).map(({ identity }) => identity ?? '') };
    }),
  );
  const lacking = found.filter(({ identities }) => identities.length === 0);
  if (lacking.length > 0) {
    const kinds = lacking.map(({ kind }) => kind).join(' and ');
    return wrong(
      'temporal-worker',
      `nobody polls task queue ${taskQueue} of namespace ${namespace} for ${kinds}`,
      'start a Temporal worker (docs/kubernetes.md; on this machine: npm run local), or give its --task-queue',
    );
  }
  const identities = new Set(found.flatMap((one) => one.identities));
  const count =
    identities.size === 1 ? 'one Temporal worker' : `${number(identities.size)} Temporal workers`;
  return ok(
    'temporal-worker',
    `${count} on task queue ${taskQueue}: ${[...identities].join(', ')}`,
  );
}

async function checkAttributes({ connection }: Temporal): Promise<Finding> {
  const { namespace } = temporalPlace();
  const there = await readSearchAttributes({ connection, namespace });
  const missing = searchAttributeNames.filter((name) => !there.includes(name));
  if (missing.length === 0)
    return ok('search-attributes', `namespace ${namespace} has all of them`);
  return {
    part: 'search-attributes',
    state: 'advice',
    text: `namespace ${namespace} lacks ${missing.join(', ')}: runs cannot be searched by them`,
    mend: `${commandName} search-attributes create`,
  };
}
