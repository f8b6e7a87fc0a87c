/**
 * Downloaders as pods of an Indexed Job on Kubernetes, one Job a generation. What is known of them is in the cluster: any
 * Temporal worker can go on where another one stopped. The map of its parts:
 *
 *   kubernetes/job-template.ts       the YAML that an operator wrote     build-job.ts     … with a run filled in
 *   kubernetes/cluster.ts            one call each to the API server     api-error.ts     what its refusals mean
 *   kubernetes/completed-indexes.ts  how many completions make n live    pause.ts         suspended, and by whom
 *   kubernetes/read-job.ts           the state of a Job in our words     waiting-reason.ts, pod-deaths.ts
 *   kubernetes/owners-of.ts          whose Jobs and pods are   stop-jobs.ts       until nothing is left
 */
import type { V1Job } from '@kubernetes/client-node';
import pRetry from 'p-retry';
import { failureTypes } from '../../domain/failure-types.ts';
import { installationLabel, installationValue, runLabel, runLabels } from '../../domain/labels.ts';
import { runFailure } from '../run-failure.ts';
import type { Fleet, FleetPlan } from './fleet.ts';
import {
  apiError,
  describeApiError,
  isDenied,
  isNotFound,
  isQuota,
  isRefusal,
  rbacHint,
} from './kubernetes/api-error.ts';
import { buildJob, jobName } from './kubernetes/build-job.ts';
import { createCluster, generationOf } from './kubernetes/cluster.ts';
import type { Cluster, ClusterClients } from './kubernetes/cluster.ts';
import { completionsFor, parseIndexes } from './kubernetes/completed-indexes.ts';
import type { JobTemplate } from './kubernetes/job-template.ts';
import { ownersOf } from './kubernetes/owners-of.ts';
import { pausePatch, resumePatch } from './kubernetes/pause.ts';
import { isDeleted, isFinished, readJob } from './kubernetes/read-job.ts';
import { stopJobs } from './kubernetes/stop-jobs.ts';

export type KubernetesFleetDeps = ClusterClients & {
  readonly template: JobTemplate;
  /** Tells apart what several Temporal namespaces create in one cluster. */
  readonly installation: string;
  /** The Google Cloud project of queue and bucket. */
  readonly projectId: string;
  /** What runs may choose among (I10); the first is for those that choose nothing. None: the template's own. */
  readonly images: readonly string[];
  readonly serviceAccounts: readonly string[];
};

export function createKubernetesFleet(deps: KubernetesFleetDeps): Fleet {
  const cluster = createCluster(deps);
  const { namespace, template } = deps;
  const images = deps.images.length > 0 ? deps.images : [template.image];
  const serviceAccounts =
    deps.serviceAccounts.length > 0 ? deps.serviceAccounts : [template.serviceAccount];

  const build = (plan: FleetPlan, generation: number): V1Job =>
    buildJob(template, plan, {
      namespace,
      generation,
      projectId: deps.projectId,
      image: plan.pod.image ?? images[0] ?? '',
      serviceAccount: plan.pod.serviceAccount ?? serviceAccounts[0] ?? '',
      labels: runLabels(deps.installation, plan.run),
    });

  const listJobs = (run: string): Promise<V1Job[]> =>
    attempt(`list Jobs in namespace ${namespace}`, () => cluster.listJobs(run));

  /** The run's Job that is not on its way out. */
  const currentJob = async (run: string): Promise<V1Job | undefined> =>
    (await listJobs(run)).findLast((job) => !isDeleted(job));

  const merge = (job: V1Job, doing: string, patch: object): Promise<void> => {
    const name = job.metadata?.name ?? '';
    return attempt(`${doing} Job ${name} in namespace ${namespace}`, async () => {
      await cluster.mergeJob(name, patch).catch((error: unknown) => {
        // Gone meanwhile: the next look sees that.
        if (!isNotFound(error)) throw error;
      });
    });
  };

  return {
    async check(plan) {
      const problems = [
        choiceProblem('pod.image', plan.pod.image, images),
        choiceProblem('pod.serviceAccount', plan.pod.serviceAccount, serviceAccounts),
      ].filter((problem) => problem !== null);
      if (problems.length > 0) return problems;
      const refused = await refusals(cluster, build(plan, 1));
      return refused.length > 0 ? refused : lackingRights(cluster);
    },

    async start(plan, signal) {
      const jobs = await listJobs(plan.run);
      const current = jobs.findLast((job) => !isDeleted(job));
      if (current !== undefined && !isFinished(current)) return;
      // One that is on its way out keeps its name until its pods are gone.
      const generation = 1 + Math.max(0, ...jobs.map(generationOf));
      const name = jobName(plan.run, generation);
      const doing = `create Job ${name} in namespace ${namespace}`;
      await refuseStranger(cluster, plan.run, name);
      await attempt(
        doing,
        async () => {
          signal?.throwIfAborted();
          await cluster.applyJob(build(plan, generation), { signal });
        },
        signal,
      );
    },

    async read(run) {
      const job = await currentJob(run);
      if (job === undefined) return { kind: 'absent' };
      return attempt(`look at the pods in namespace ${namespace}`, () =>
        readJob(cluster, run, job),
      );
    },

    async scale(run, workers) {
      const job = await currentJob(run);
      if (job === undefined || isFinished(job)) return;
      const completions = completionsFor(workers, parseIndexes(job.status?.completedIndexes));
      await merge(job, 'scale', { spec: { completions, parallelism: completions } });
    },

    async suspend(run) {
      const job = await currentJob(run);
      if (job !== undefined && !isFinished(job)) await merge(job, 'suspend', pausePatch);
    },

    async resume(run) {
      const job = await currentJob(run);
      if (job !== undefined && !isFinished(job)) await merge(job, 'resume', resumePatch);
    },

    async list() {
      const owned = `${installationLabel}=${installationValue(deps.installation)}`;
      return attempt(`list Jobs and pods in namespace ${namespace}`, async () =>
        ownersOf(await cluster.listOwned(owned)),
      );
    },

    async stop(run, signal) {
      await attempt(`delete the Jobs of run ${run} in namespace ${namespace}`, () =>
        stopJobs(cluster, run, signal),
      );
    },
  };
}

/**
 * An API server that just started forbids everything until it has read who may do what, which takes it some seconds. So one
 * refusal proves nothing; twelve seconds of them do.
 */
const deniedTries = { retries: 4, minTimeout: 1_000, factor: 2, maxTimeout: 5_000 } as const;

/** Calls the API server and says what a refusal means. */
async function attempt<Result>(
  doing: string,
  call: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  try {
    return await patiently(call, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw apiError(doing, error);
  }
}

function patiently<Result>(call: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
  return pRetry(call, {
    ...deniedTries,
    shouldRetry: ({ error }) => isDenied(error),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** An image is a set of programs, a service account a set of rights: a run chooses among what the operator lists. */
function choiceProblem(
  field: string,
  asked: string | undefined,
  listed: readonly string[],
): string | null {
  if (asked === undefined || listed.includes(asked)) return null;
  const setting = field === 'pod.image' ? 'SPOTLOOP_IMAGES' : 'SPOTLOOP_SERVICE_ACCOUNTS';
  return `start fleet kubernetes: "${field}" ${asked} is not allowed here — choose among ${listed.join(', ')}, or have it added to ${setting} of the Temporal worker`;
}

/** Lets the API server, its quotas and its webhooks judge the Job and a pod of it; nothing is created. */
async function refusals(cluster: Cluster, job: V1Job): Promise<string[]> {
  const { namespace } = cluster;
  const name = job.metadata?.name ?? '';
  const { metadata, spec } = job.spec!.template;
  const pod = {
    spec,
    metadata: { name, labels: metadata?.labels, annotations: metadata?.annotations },
  };
  const tries = [
    {
      doing: `create Job ${name} in namespace ${namespace}`,
      call: async () => {
        await cluster.tryJob(job);
      },
    },
    {
      doing: `create a pod of Job ${name} in namespace ${namespace}`,
      call: () => cluster.tryPod(pod),
    },
  ];
  const problems: string[] = [];
  for (const { doing, call } of tries) {
    try {
      await patiently(call);
    } catch (error) {
      if (!isRefusal(error)) throw new Error(describeApiError(doing, error), { cause: error });
      const problem = describeApiError(doing, error);
      // Pods wait for others to end; a Job would not.
      if (doing.startsWith('create a pod') && isQuota(problem)) continue;
      problems.push(problem);
      // A missing namespace, or no rights at all, say the same of both.
      break;
    }
  }
  return problems;
}

/** All that is done in a run's course, so that none of it comes as a surprise hours later: the rules of k8s/rbac.yaml. */
const rights: readonly (readonly [group: string, resource: string, verbs: readonly string[]])[] = [
  ['batch', 'jobs', ['get', 'list', 'create', 'patch', 'delete']],
  ['', 'pods', ['list', 'create', 'delete']],
  ['', 'pods/log', ['get']],
  ['', 'events', ['list']],
];

async function lackingRights(cluster: Cluster): Promise<string[]> {
  const asked = rights.flatMap(([group, resource, verbs]) =>
    verbs.map(async (verb) => {
      const isAllowed = await attempt(`ask for the right to ${verb} ${resource}`, () =>
        cluster.mayI({ group, resource, verb }),
      );
      return isAllowed ? [] : [`${verb} ${resource}`];
    }),
  );
  const lacking = (await Promise.all(asked)).flat();
  if (lacking.length === 0) return [];
  return [
    `look after Jobs in namespace ${cluster.namespace}: the Temporal worker may not ${lacking.join(', ')} — ${rbacHint}`,
  ];
}

/** @throws FleetFailed when a Job of that name is there that is not this run's. */
async function refuseStranger(cluster: Cluster, run: string, name: string): Promise<void> {
  const doing = `create Job ${name} in namespace ${cluster.namespace}`;
  const found = await attempt(doing, () =>
    cluster.readJob(name).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    }),
  );
  if (found === undefined || found.metadata?.labels?.[runLabel] === run) return;
  throw runFailure(
    failureTypes.FleetFailed,
    `${doing}: a Job of that name is there and is not this run's — delete it, or start the run under another workflow id`,
  );
}
