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
  /** The address of a run in the Web UI; null where that is not known. */
  readonly webPage: (run: { readonly workflowId: string; readonly runId: string }) => string | null;
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
      webPage: ({ workflowId, runId }) => {
        const site = webSite(address);
        if (site === null) return null;
        return `${site}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}/${runId}`;
      },
      close: () => connection.close(),
    };
  } catch (cause) {
    throw new Error(
      `connect to Temporal at ${address}: no answer — set TEMPORAL_ADDRESS, or TEMPORAL_PROFILE to a profile of the temporal command`,
      { cause },
    );
  }
}

/** Temporal Cloud's is known by the server's address; another is told to us, as the local stack does. */
function webSite(address: string): string | null {
  const told = process.env['SPOTLOOP_WEB_UI'];
  if (told !== undefined && told !== '') return told.replace(/\/+$/, '');
  return /\.(tmprl\.cloud|api\.temporal\.io)(:\d+)?$/.test(address)
    ? 'https://cloud.temporal.io'
    : null;
}
