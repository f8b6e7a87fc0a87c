import { Connection } from '@temporalio/client';
import { createSearchAttributes } from '../../workers/temporal/search-attributes.ts';
import type { TemporalServer } from './temporal-server.ts';

/** Gives the server what runs show in its list of workflows. A database that was kept has them already. */
export async function createRunAttributes(temporal: TemporalServer): Promise<void> {
  const connection = await Connection.connect({ address: temporal.address });
  try {
    await createSearchAttributes({ connection, namespace: temporal.namespace });
  } finally {
    await connection.close();
  }
}
