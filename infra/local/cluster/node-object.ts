import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { CoreV1Api, V1Pod } from '@kubernetes/client-node';
import { ignoreNotFound } from './ignore-not-found.ts';
import { waitUntil } from './wait-until.ts';

/** The kubelet registers within a second; its first look at the container runtime takes one more. */
const readyMs = 60_000;

/** Resolves when the Node object of this name says that it is ready, and pods may come there. */
export async function waitForReady(api: CoreV1Api, name: string): Promise<void> {
  await waitUntil({ doing: `wait for ${name} to be Ready`, timeoutMs: readyMs }, async () => {
    const { status, spec } = await api.readNode({ name });
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    return ready?.status === 'True' && !spec?.taints?.some(({ key }) => key === notReady);
  });
}

/** Resolves when the kubelet of this name says that it is not ready. */
export async function waitForNotReady(api: CoreV1Api, name: string): Promise<void> {
  await waitUntil({ doing: `wait for ${name} to be NotReady`, timeoutMs: readyMs }, async () => {
    const { status } = await api.readNode({ name });
    return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'False';
  });
}

/** The taint that a node keeps for a moment after it is ready. */
const notReady = 'node.kubernetes.io/not-ready';

/**
 * Plays the cloud, which deletes the Node object of a machine that is gone, and the pod collector, which fails and deletes
 * the pods of a node that is no more: it only looks each 20 s and lets 40 s pass, and meanwhile a new machine of the same
 * name would start these pods once more.
 */
export async function removeNodeObject(api: CoreV1Api, name: string): Promise<void> {
  await api.deleteNode({ name }).catch(ignoreNotFound);
  const { items } = await api.listPodForAllNamespaces({ fieldSelector: `spec.nodeName=${name}` });
  for (const pod of items) await removePod(api, pod);
}

async function removePod(api: CoreV1Api, pod: V1Pod): Promise<void> {
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const hasEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  if (!hasEnded) {
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
      lastTransitionTime: new Date().toISOString(),
    };
    await api
      .patchNamespacedPodStatus(
        { name, namespace, body: { status: { phase: 'Failed', conditions: [condition] } } },
        setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
      )
      .catch(ignoreNotFound);
  }
  await api.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 }).catch(ignoreNotFound);
}
