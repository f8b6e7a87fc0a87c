import type { WorkerOptions } from '@temporalio/worker';
import type { Settings } from './settings.ts';

/**
 * Worker Deployment Versioning, where the environment names this code's build. A run stays on the version it began with;
 * where the server tells it of a newer one, it goes on as new there: `workflows/follow.ts`.
 */
export function deploymentOptions({
  TEMPORAL_DEPLOYMENT_NAME: deploymentName,
  TEMPORAL_WORKER_BUILD_ID: buildId,
}: Pick<Settings, 'TEMPORAL_DEPLOYMENT_NAME' | 'TEMPORAL_WORKER_BUILD_ID'>): Pick<
  WorkerOptions,
  'workerDeploymentOptions'
> {
  if (buildId === undefined) return {};
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName, buildId },
      defaultVersioningBehavior: 'PINNED',
    },
  };
}
