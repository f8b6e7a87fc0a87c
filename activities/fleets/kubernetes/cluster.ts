import { PatchStrategy, setHeaderMiddleware } from '@kubernetes/client-node';
import type {
  AuthorizationV1Api,
  BatchV1Api,
  ConfigurationOptions,
  CoreV1Api,
  CoreV1Event,
  V1Job,
  V1ListMeta,
  V1Pod,
} from '@kubernetes/client-node';
import { generationLabel, runLabel } from '../../../domain/labels.ts';
import { downloaderContainer } from './job-template.ts';

/** The clients of one cluster, made once by the Temporal worker. */
export type ClusterClients = {
  readonly batch: BatchV1Api;
  readonly core: CoreV1Api;
  readonly authorization: AuthorizationV1Api;
  readonly namespace: string;
};

/** The calls that a fleet makes: one method a call, errors as the client throws them. */
export type Cluster = ReturnType<typeof createCluster>;

/** Who owns the fields that we set, in `kubectl get --show-managed-fields`. */
const fieldManager = 'spotloop';

/** An answer that takes longer does not come; the client itself would wait for five minutes. Three calls fit into a look. */
const callTimeoutMs = 6_000;

/** Objects a page. A thousand pods' metadata are two pages of half a megabyte. */
const pageSize = 500;

/** So many pods in trouble say what the trouble is, also where one index failed six times in a row. */
const fewPods = 100;

/** Only metadata: a tenth of the bytes of whole pods. kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
const metadataOnly = [
  'Accept',
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
] as const;
const json = ['Accept', 'application/json'] as const;
const serverSideApply = ['Content-Type', PatchStrategy.ServerSideApply] as const;

/** Lines of a log that tell how a downloader ended. */
const logLines = 5;

export function createCluster({ batch, core, authorization, namespace }: ClusterClients) {
  const applied = (job: V1Job) => ({
    namespace,
    name: job.metadata?.name ?? '',
    body: job,
    fieldManager,
    fieldValidation: 'Strict',
  });
  const podsOf = (run: string) => ({ namespace, labelSelector: `${runLabel}=${run}` });
  return {
    namespace,

    /** The run's Jobs, the newest generation last; those that are being deleted too. */
    async listJobs(run: string): Promise<V1Job[]> {
      const { items } = await batch.listNamespacedJob(podsOf(run), options());
      return items.toSorted((a, b) => generationOf(a) - generationOf(b));
    },

    readJob(name: string): Promise<V1Job> {
      return batch.readNamespacedJob({ namespace, name }, options());
    },

    /** Server-side apply: again with the same Job changes nothing. */
    async applyJob(job: V1Job, { signal }: { signal?: AbortSignal | undefined }): Promise<void> {
      await batch.patchNamespacedJob(applied(job), options(serverSideApply, signal));
    },

    /** Asks everybody who could refuse the Job; nothing is created. */
    async tryJob(job: V1Job): Promise<void> {
      await batch.patchNamespacedJob({ ...applied(job), dryRun: 'All' }, options(serverSideApply));
    },

    /** Changes only what it names. */
    async mergeJob(name: string, body: object): Promise<void> {
      await batch.patchNamespacedJob(
        { namespace, name, body, fieldManager },
        options(['Content-Type', PatchStrategy.MergePatch]),
      );
    },

    /** In the foreground: the Job goes when its pods are gone. */
    async deleteJob(name: string): Promise<void> {
      await batch.deleteNamespacedJob(
        { namespace, name, propagationPolicy: 'Foreground' },
        options(),
      );
    },

    /** Whether our own account has a right in the namespace; a resource may have a subresource, as in `pods/log`. */
    async mayI(right: { group: string; resource: string; verb: string }): Promise<boolean> {
      const [resource, subresource] = right.resource.split('/');
      const resourceAttributes = { ...right, namespace, resource, subresource };
      const { status } = await authorization.createSelfSubjectAccessReview(
        { body: { spec: { resourceAttributes } } },
        options(),
      );
      return status?.allowed === true;
    },

    /** Lets admission judge a pod; nothing is created. */
    async tryPod(pod: V1Pod): Promise<void> {
      await core.createNamespacedPod(
        { namespace, body: pod, dryRun: 'All', fieldManager },
        options(),
      );
    },

    /** Of all pods of the run: metadata alone, page by page. */
    listPodMetadata(run: string): Promise<V1Pod[]> {
      return allPages((page) =>
        core.listNamespacedPod({ ...podsOf(run), ...page }, options(metadataOnly)),
      );
    },

    /** Of all Jobs and pods with these labels, whatever their run: metadata alone, page by page. */
    async listOwned(labelSelector: string): Promise<(V1Job | V1Pod)[]> {
      const owned = { namespace, labelSelector };
      const [jobs, pods] = await Promise.all([
        allPages<V1Job>((page) =>
          batch.listNamespacedJob({ ...owned, ...page }, options(metadataOnly)),
        ),
        allPages<V1Pod>((page) =>
          core.listNamespacedPod({ ...owned, ...page }, options(metadataOnly)),
        ),
      ]);
      return [...jobs, ...pods];
    },

    /** Some of the run's pods in that phase, whole. */
    async listSomePods(run: string, phase: 'Pending' | 'Failed'): Promise<V1Pod[]> {
      const { items } = await core.listNamespacedPod(
        { ...podsOf(run), fieldSelector: `status.phase=${phase}`, limit: fewPods },
        options(),
      );
      return items;
    },

    /** One of the run's pods, whole; undefined when it is gone. */
    async findPod(run: string, name: string): Promise<V1Pod | undefined> {
      const fieldSelector = `metadata.name=${name}`;
      const { items } = await core.listNamespacedPod({ ...podsOf(run), fieldSelector }, options());
      return items[0];
    },

    /** By force: for a pod whose node is gone, and with it who could end it. */
    async forgetPod(name: string): Promise<void> {
      await core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 }, options());
    },

    async deletePod(name: string): Promise<void> {
      await core.deleteNamespacedPod({ namespace, name }, options());
    },

    /** The events of one object, oldest first. */
    async listEvents(uid: string): Promise<CoreV1Event[]> {
      const { items } = await core.listNamespacedEvent(
        { namespace, fieldSelector: `involvedObject.uid=${uid}`, limit: pageSize },
        options(),
      );
      return items.toSorted((a, b) => happenedAtMs(a) - happenedAtMs(b));
    },

    /** The last lines that a pod's downloader wrote. */
    readLog(pod: string): Promise<string> {
      return core.readNamespacedPodLog(
        { namespace, name: pod, container: downloaderContainer, tailLines: logLines },
        options(),
      );
    },
  };
}

async function allPages<Item>(
  list: (page: {
    limit: number;
    _continue?: string;
  }) => Promise<{ items?: Item[]; metadata?: V1ListMeta }>,
): Promise<Item[]> {
  const all: Item[] = [];
  let token: string | undefined;
  do {
    const page = await list({
      limit: pageSize,
      ...(token === undefined ? {} : { _continue: token }),
    });
    // Null where there are none.
    all.push(...(page.items ?? []));
    token = continueOf(page.metadata);
  } while (token !== undefined);
  return all;
}

/** The number in a Job's label; 0 for one that has none. */
export function generationOf(job: V1Job): number {
  return Number(job.metadata?.labels?.[generationLabel] ?? 0);
}

/** When an event was seen last, Unix ms; its several times are filled in by its several kinds of author. */
export function happenedAtMs({ series, lastTimestamp, eventTime, metadata }: CoreV1Event): number {
  const at = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp;
  // The client gives times with microseconds as text.
  return at === undefined ? 0 : new Date(at).getTime();
}

function continueOf(metadata: V1ListMeta | undefined): string | undefined {
  const token = metadata?._continue;
  return token === undefined || token === '' ? undefined : token;
}

/** What each call has: a time limit, and the header given. */
function options(
  header: readonly [name: string, value: string] = json,
  signal?: AbortSignal,
): ConfigurationOptions {
  const headers = setHeaderMiddleware(...header);
  return {
    middleware: [
      {
        pre: (request) => {
          const timeout = AbortSignal.timeout(callTimeoutMs);
          request.setSignal(signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
          return headers.pre(request);
        },
        post: (response) => headers.post(response),
      },
    ],
    middlewareMergeStrategy: 'append',
  };
}
