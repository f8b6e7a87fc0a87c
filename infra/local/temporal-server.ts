import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { freePort } from './free-port.ts';
import { ensurePart } from './install/part.ts';
import { findTemporalCli } from './install/temporal-cli.ts';
import { startProcess } from './process.ts';

/** A running Temporal development server. */
export type TemporalServer = {
  /** `127.0.0.1:PORT`, the value for `TEMPORAL_ADDRESS`. */
  address: string;
  /** `http://127.0.0.1:PORT`, the Web UI. */
  uiAddress: string;
  namespace: string;
  stop: () => Promise<void>;
};

/** Starts `temporal server start-dev` on 127.0.0.1 and resolves when it answers. */
export async function startTemporalServer(options: {
  logFolder: string;
  /** Workflows outlive a restart when given; otherwise they are in memory only. */
  databaseFile?: string;
  namespace?: string;
  port?: number;
  uiPort?: number;
}): Promise<TemporalServer> {
  const { databaseFile, namespace = 'default' } = options;
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  if (databaseFile !== undefined) await mkdir(dirname(databaseFile), { recursive: true });
  const server = await startProcess({
    name: 'the Temporal server',
    command: await ensurePart(await findTemporalCli()),
    args: [
      'server',
      'start-dev',
      '--ip=127.0.0.1',
      `--port=${port}`,
      `--ui-port=${uiPort}`,
      `--namespace=${namespace}`,
      // On `warn` its last lines are always those of an orderly stop, which hide why it ended.
      '--log-level=error',
      ...(databaseFile === undefined ? [] : [`--db-filename=${databaseFile}`]),
    ],
    logFile: join(options.logFolder, 'temporal-server.log'),
    // Printed after the server has started and the namespace is there; the port accepts earlier. Newer versions say
    // `Temporal Server:`.
    ready: { kind: 'line', test: (line) => /^(Temporal )?Server: /.test(line) },
  });
  return {
    address: `127.0.0.1:${port}`,
    uiAddress: `http://127.0.0.1:${uiPort}`,
    namespace,
    stop: server.stop,
  };
}
