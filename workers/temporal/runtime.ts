import { Runtime } from '@temporalio/worker';
import type { MetricsExporterConfig } from '@temporalio/worker';
import { MisconfiguredError } from '../process/environment.ts';
import type { Log } from '../process/log.ts';
import { textOfAddress } from '../process/metrics-address.ts';
import type { MetricsAddress } from '../process/metrics-address.ts';
import { createTemporalLogger } from './logger.ts';

/**
 * Prometheus' own rules for names: counters end with `_total`, durations are in seconds and say so
 * (prometheus.io/docs/practices/naming). The name of the service is one and the same for every Temporal worker there is, so
 * it is left out.
 */
function exporterOf(address: MetricsAddress): MetricsExporterConfig {
  return {
    attachServiceName: false,
    prometheus: {
      bindAddress: textOfAddress(address),
      countersTotalSuffix: true,
      unitSuffix: true,
      useSecondsForDurations: true,
    },
  };
}

/**
 * Installs Temporal's runtime: its log, the part in Rust too, goes into ours; its metrics, with those that activities count
 * (activities/run-counters.ts), are told at the address, where there is one.
 * @throws MisconfiguredError when nobody can listen there.
 */
export function installRuntime(log: Log, address: MetricsAddress | undefined): void {
  try {
    Runtime.install({
      logger: createTemporalLogger(log),
      shutdownSignals: [],
      telemetryOptions: {
        logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
        ...(address === undefined ? {} : { metrics: exporterOf(address) }),
      },
    });
  } catch (cause) {
    if (address === undefined) throw cause;
    throw new MisconfiguredError(
      `listen for metrics on ${textOfAddress(address)}: ${String(cause)} — set SPOTLOOP_METRICS_ADDRESS to an address of this machine and a free port`,
      { cause },
    );
  }
}
