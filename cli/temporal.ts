import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

/** A server that does not answer within this is not there, or not where the configuration says. */
const connectTimeoutMs = 10_000;

/** Where Temporal is, by the same means. */
export function temporalPlace(): { readonly address: string; readonly namespace: string } {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  return { address: connectionOptions.address ?? 'localhost:7233', namespace };
}

export type Temporal = {
  readonly client: Client;
  readonly connection: Connection;
  readonly close: () => Promise<void>;
};

/**
 * Temporal as its own command finds it: `TEMPORAL_ADDRESS` and the like, or the profile that `TEMPORAL_PROFILE` names.
 * @throws Error in one line when it does not answer.
 */
export async function openTemporal(): Promise<Temporal> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? 'localhost:7233';
  try {
    const connection = await Connection.connect({
      ...connectionOptions,
      connectTimeout: connectTimeoutMs,
    });
    return {
      client: new Client({ connection, namespace }),
      connection,
      close: () => connection.close(),
    };
  } catch (cause) {
    throw new Error(
      `connect to Temporal at ${address}: no answer — set TEMPORAL_ADDRESS, or TEMPORAL_PROFILE to a profile of the temporal command`,
      { cause },
    );
  }
}
