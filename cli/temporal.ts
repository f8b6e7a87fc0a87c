import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

/** A server that does not answer within this is not there, or not where the configuration says. */
const connectTimeoutMs = 10_000;

/** Endpoints of Temporal Cloud: of a namespace, and of a region. */
const cloudAddress = /\.(tmprl\.cloud|api\.temporal\.io)(:\d+)?$/;

/** Where Temporal is, as its own command finds it: `TEMPORAL_ADDRESS` and the like, or the profile that `TEMPORAL_PROFILE` names. */
export function temporalPlace() {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const { address = 'localhost:7233' } = connectionOptions;
  return { connectionOptions, address, namespace, isCloud: cloudAddress.test(address) };
}

export type Temporal = {
  readonly client: Client;
  readonly connection: Connection;
  /** The address of a run in the Web UI; null where that is not known. */
  readonly webPage: (run: { readonly workflowId: string; readonly runId: string }) => string | null;
  readonly close: () => Promise<void>;
};

/**
 * Connects to it.
 * @throws Error in one line when it does not answer.
 */
export async function openTemporal(): Promise<Temporal> {
  const { connectionOptions, address, namespace, isCloud } = temporalPlace();
  try {
    const connection = await Connection.connect({
      ...connectionOptions,
      connectTimeout: connectTimeoutMs,
    });
    return {
      client: new Client({ connection, namespace }),
      connection,
      webPage: ({ workflowId, runId }) => {
        const site = webSite(isCloud);
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

/** Temporal Cloud's is known; another is told to us, as the local stack does. */
function webSite(isCloud: boolean): string | null {
  const told = process.env['SPOTLOOP_WEB_UI'];
  if (told !== undefined && told !== '') return told.replace(/\/+$/, '');
  return isCloud ? 'https://cloud.temporal.io' : null;
}
