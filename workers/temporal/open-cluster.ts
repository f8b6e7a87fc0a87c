import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AuthorizationV1Api, BatchV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { parseJobTemplate } from '../../activities/fleets/kubernetes/job-template.ts';
import type { KubernetesFleetDeps } from '../../activities/fleets/kubernetes.ts';
import { MisconfiguredError } from '../process/environment.ts';
import type { Settings } from './settings.ts';

/** The template that the repository, and so the image, brings. */
const ownTemplate = fileURLToPath(new URL('../../k8s/job.yaml', import.meta.url));

/** What the client falls back to when it finds neither kubeconfig nor service account. */
const nowhere = 'http://localhost:8080';

/**
 * The cluster that the environment names: `$KUBECONFIG`, else `~/.kube/config`, else the one whose pod we are; exec
 * credential plug-ins, such as GKE's, are run as kubectl runs them.
 * @throws MisconfiguredError when there is none, or the Job template is wrong.
 */
export async function openCluster(
  settings: Settings,
): Promise<Omit<KubernetesFleetDeps, 'installation' | 'projectId'>> {
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (cause) {
    throw new MisconfiguredError(
      `read the kubeconfig: ${String(cause)} — set KUBECONFIG to one that is right`,
      { cause },
    );
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null || cluster.server === nowhere) {
    throw new MisconfiguredError(
      'SPOTLOOP_FLEETS names kubernetes, and no cluster is known — set KUBECONFIG, or run inside the cluster with a service account',
    );
  }
  const context = config.getContextObject(config.getCurrentContext());
  return {
    batch: config.makeApiClient(BatchV1Api),
    core: config.makeApiClient(CoreV1Api),
    authorization: config.makeApiClient(AuthorizationV1Api),
    namespace: settings.SPOTLOOP_NAMESPACE ?? context?.namespace ?? 'default',
    template: await readTemplate(settings.SPOTLOOP_JOB_TEMPLATE ?? ownTemplate),
    images: settings.SPOTLOOP_IMAGES,
    serviceAccounts: settings.SPOTLOOP_SERVICE_ACCOUNTS,
  };
}

async function readTemplate(path: string) {
  try {
    return parseJobTemplate(await readFile(path, 'utf8'), path);
  } catch (cause) {
    throw new MisconfiguredError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
