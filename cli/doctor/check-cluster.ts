import { KubeConfig, VersionApi } from '@kubernetes/client-node';
import { createKubernetesFleet } from '../../activities/fleets/kubernetes.ts';
import { describeApiError } from '../../activities/fleets/kubernetes/api-error.ts';
import { planFleet } from '../../activities/fleets/plan-fleet.ts';
import { parseRunSpec } from '../../domain/run-spec.ts';
import { openCluster } from '../../workers/temporal/open-cluster.ts';
import { readSettings } from '../../workers/temporal/settings.ts';
import { isOlder } from './is-older.ts';
import { ok, wrong, wrongBy } from './finding.ts';
import type { Finding } from './finding.ts';

/** docs/kubernetes.md: what the Job's fields need. */
const oldestKubernetes = '1.29';

const usualMend =
  'correct the kubeconfig, or SPOTLOOP_NAMESPACE, SPOTLOOP_IMAGES and the Job template';

/** Its version, then all that a run's preflight asks of it: a Job and a pod in dry runs, and each right. Nothing is created. */
export async function checkCluster(projectId: string | undefined): Promise<readonly Finding[]> {
  // The project only stands in the Job that is tried.
  const project = projectId === undefined || projectId === '' ? 'unknown' : projectId;
  const settings = readSettings({ ...process.env, GOOGLE_CLOUD_PROJECT: project });
  const cluster = await openCluster(settings);
  const config = new KubeConfig();
  config.loadFromDefault();
  const server = config.getCurrentCluster()?.server ?? '';
  const version = await readVersion(config, server);
  if (typeof version !== 'string') return [version];
  if (isOlder(version, oldestKubernetes)) {
    return [
      wrong(
        'cluster',
        `${server} has Kubernetes ${version}, older than ${oldestKubernetes}`,
        'upgrade it',
      ),
    ];
  }
  const fleet = createKubernetesFleet({ ...cluster, installation: 'doctor', projectId: project });
  const problems = await fleet.check(trialPlan());
  if (problems.length > 0) return problems.map((text) => wrongBy('cluster', text, usualMend));
  return [
    ok(
      'cluster',
      `${server}, Kubernetes ${version}: a run's Job would be taken in namespace ${cluster.namespace}`,
    ),
  ];
}

async function readVersion(config: KubeConfig, server: string): Promise<string | Finding> {
  try {
    return (await config.makeApiClient(VersionApi).getCode()).gitVersion;
  } catch (error) {
    return wrongBy(
      'cluster',
      describeApiError(`ask ${server} for its version`, error),
      'check that the API server can be reached, and who the kubeconfig says we are: kubectl version',
    );
  }
}

function trialPlan() {
  const parsed = parseRunSpec({
    items: ['doctor'],
    destination: 'gs://doctor/',
    fleet: 'kubernetes',
    workers: 1,
  });
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('; '));
  const run = { name: 'doctor', workflowId: 'doctor', firstRunId: 'doctor', bucket: 'doctor' };
  return planFleet(run, parsed.spec, parsed.spec.workers.max);
}
