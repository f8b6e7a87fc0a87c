import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { searchAttributeNames, searchAttributes } from '../../domain/search-attributes.ts';
import type { SearchAttributeName } from '../../domain/search-attributes.ts';

/** A connection of either kind. */
export type OperatorConnection = Pick<
  Connection,
  'operatorService' | 'workflowService' | 'withDeadline'
>;

/** A namespace of a Temporal server. */
export type NamespacePlace = {
  readonly connection: OperatorConnection;
  readonly namespace: string;
};

/** Their numbers in Temporal's API: temporal.api.enums.v1.IndexedValueType. */
const typeOf = { Keyword: 2, Int: 3 } as const;

/** An answer takes milliseconds. */
const callTimeoutMs = 10_000;
/** All parts of a server know of a new attribute after some seconds, for they look at a namespace's settings again and again. */
const knownWithinMs = 60_000;
const lookEveryMs = 500;

/** Which of our search attributes a namespace has, with the right type. */
export async function readSearchAttributes(place: NamespacePlace): Promise<SearchAttributeName[]> {
  const { there } = await look(place);
  return there;
}

/**
 * Creates those that a namespace does not have, and resolves when the server takes them.
 * @returns the names of those created.
 * @throws Error in one line when one is there with another type, or the server refuses.
 */
export async function createSearchAttributes(
  place: NamespacePlace,
): Promise<SearchAttributeName[]> {
  const { connection, namespace } = place;
  const { there, other } = await look(place);
  if (other.length > 0) {
    throw new Error(
      `create search attributes in namespace ${namespace}: ${other.join(', ')} exist with another type — remove them, or use another namespace`,
    );
  }
  const missing = searchAttributeNames.filter((name) => !there.includes(name));
  if (missing.length === 0) return [];
  try {
    await inTime(connection, () =>
      connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(
          missing.map((name) => [name, typeOf[searchAttributes[name]]]),
        ),
      }),
    );
  } catch (cause) {
    // Somebody else was quicker.
    if (!/already exists?/i.test(messageOf(cause))) {
      throw new Error(
        `create search attributes ${missing.join(', ')} in namespace ${namespace}: ${messageOf(cause)} — it takes an administrator's rights, and a database has room for three Int and ten Keyword`,
        { cause },
      );
    }
  }
  await untilTaken(place);
  return missing;
}

/** A query that names all of them is refused until the server knows them. */
async function untilTaken({ connection, namespace }: NamespacePlace): Promise<void> {
  const query = searchAttributeNames.map((name) => `${name} IS NOT NULL`).join(' AND ');
  const endsAtMs = Date.now() + knownWithinMs;
  for (;;) {
    try {
      await inTime(connection, () =>
        connection.workflowService.countWorkflowExecutions({ namespace, query }),
      );
      return;
    } catch (cause) {
      if (Date.now() > endsAtMs) {
        throw new Error(
          `create search attributes in namespace ${namespace}: the server does not know them after ${knownWithinMs / 1000} s: ${messageOf(cause)} — do it again`,
          { cause },
        );
      }
    }
    await sleep(lookEveryMs);
  }
}

async function look({ connection, namespace }: NamespacePlace): Promise<{
  readonly there: SearchAttributeName[];
  /** Names that are there with another type. */
  readonly other: SearchAttributeName[];
}> {
  const { customAttributes } = await inTime(connection, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  ).catch((cause: unknown) => {
    throw new Error(`read search attributes of namespace ${namespace}: ${messageOf(cause)}`, {
      cause,
    });
  });
  const found = searchAttributeNames.filter((name) => customAttributes[name] !== undefined);
  const isRight = (name: SearchAttributeName): boolean =>
    Number(customAttributes[name]) === typeOf[searchAttributes[name]];
  return { there: found.filter(isRight), other: found.filter((name) => !isRight(name)) };
}

function inTime<Answer>(
  connection: OperatorConnection,
  call: () => Promise<Answer>,
): Promise<Answer> {
  return connection.withDeadline(Date.now() + callTimeoutMs, call);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as { details?: string }).details ?? error.message;
}
