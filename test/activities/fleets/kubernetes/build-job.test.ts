import { deepEqual, equal, match, ok, throws } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { buildJob } from '../../../../activities/fleets/kubernetes/build-job.ts';
import {
  downloaderOf,
  parseJobTemplate,
  podSpecOf,
} from '../../../../activities/fleets/kubernetes/job-template.ts';
import { planFleet } from '../../../../activities/fleets/plan-fleet.ts';
import { decodeAssignment } from '../../../../domain/assignment.ts';
import { runLabels } from '../../../../domain/labels.ts';
import { maxRunNameLength } from '../../../../domain/names.ts';
import type { RunSpecInput } from '../../../../domain/run-spec.ts';
import { newRun, specOf } from '../../world.ts';

const text = readFileSync(new URL('../../../../k8s/job.yaml', import.meta.url), 'utf8');
const template = parseJobTemplate(text, 'k8s/job.yaml');

function build(input: Partial<RunSpecInput> = {}, workers = 3, from = template) {
  const run = newRun('bucket');
  const spec = specOf({ items: ['a'], destination: 'gs://bucket/x/', ...input });
  const job = buildJob(from, planFleet(run, spec, workers), {
    namespace: 'bulk',
    generation: 2,
    labels: runLabels('temporal:7233/default', run.name),
    projectId: 'my-project',
    image: 'registry/downloader:1',
    serviceAccount: 'downloader',
  });
  return { run, spec, job, pod: podSpecOf(job), container: downloaderOf(job) };
}

const valueOf = (env: { name: string; value?: string }[] | undefined, name: string) =>
  env?.find((variable) => variable.name === name)?.value;

describe('buildJob', () => {
  it('fills in what belongs to the run and leaves the template as it is', () => {
    const before = JSON.stringify(template.job);
    const { run, job, pod, container } = build();
    equal(JSON.stringify(template.job), before);
    equal(job.metadata?.name, `${run.name}-2`);
    equal(job.metadata?.namespace, 'bulk');
    deepEqual([job.spec?.completions, job.spec?.parallelism], [3, 3]);
    for (const labels of [job.metadata?.labels, job.spec?.template.metadata?.labels]) {
      equal(labels?.['spotloop-run'], run.name);
      equal(labels?.['spotloop-generation'], '2');
      equal(labels?.['app.kubernetes.io/component'], 'downloader');
    }
    for (const metadata of [job.metadata, job.spec?.template.metadata]) {
      equal(metadata?.annotations?.['spotloop-workflow'], run.workflowId);
    }
    equal(pod.serviceAccountName, 'downloader');
    equal(container.image, 'registry/downloader:1');
    equal(valueOf(container.env, 'GOOGLE_CLOUD_PROJECT'), 'my-project');
    equal(decodeAssignment(valueOf(container.env, 'SPOTLOOP_ASSIGNMENT') ?? '').run, run.name);
  });

  it('tells the downloader the grace time that its pod has', () => {
    const { pod, container } = build();
    equal(
      valueOf(container.env, 'SPOTLOOP_GRACE_SECONDS'),
      String(pod.terminationGracePeriodSeconds),
    );
  });

  it('keeps a disruption from counting, and fails the Job on a misconfigured downloader', () => {
    const [first, second] = build().job.spec?.podFailurePolicy?.rules ?? [];
    equal(first?.action, 'Ignore');
    equal(first?.onPodConditions?.[0]?.type, 'DisruptionTarget');
    equal(second?.action, 'FailJob');
    deepEqual(second?.onExitCodes?.values, [64]);
  });

  it('limits staging to twice what the slots may hold, unless nothing is staged', () => {
    const stagingOf = (input: Partial<RunSpecInput>) =>
      build(input).pod.volumes?.find(({ name }) => name === 'staging')?.emptyDir?.sizeLimit;
    equal(stagingOf({ concurrency: 4, maxItemSize: '1MB' }), String(2 * 4 * 1024 ** 2));
    equal(stagingOf({ task: { kind: 'http' } }), undefined);
  });

  it('puts one pod of the run on a node when asked', () => {
    equal(build().pod.affinity, undefined);
    const { run, pod } = build({ placement: 'one-per-node' });
    const [term] =
      pod.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    equal(term?.topologyKey, 'kubernetes.io/hostname');
    deepEqual(term?.labelSelector?.matchLabels, { 'spotloop-run': run.name });
  });

  it('keeps those apart, too, whom the template does', () => {
    const apart = '{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: rack}]}';
    const strict = parseJobTemplate(
      text.replace('      containers:', `      affinity: {podAntiAffinity: ${apart}}\n$&`),
      't.yaml',
    );
    const { pod } = build({ placement: 'one-per-node' }, 3, strict);
    const terms = pod.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    deepEqual(
      terms?.map(({ topologyKey }) => topologyKey),
      ['rack', 'kubernetes.io/hostname'],
    );
  });

  it('leaves it to the API server to know a field', () => {
    const misspelt = parseJobTemplate(
      text.replace('completionMode:', 'parallelsim: 3\n  $&'),
      't.yaml',
    );
    match(JSON.stringify(build({}, 3, misspelt).job), /"parallelsim":3/);
  });

  it('reads modes of files as kubectl does', () => {
    const readable = parseJobTemplate(
      text.replace(
        '      volumes:',
        '$&\n        - {name: s, secret: {secretName: s, defaultMode: 0440}}',
      ),
      't.yaml',
    );
    const secret = build({}, 3, readable).pod.volumes?.find(({ name }) => name === 's')?.secret;
    equal(secret?.defaultMode, 0o440);
  });

  it('takes what the run asks of its pods', () => {
    const resources = { requests: { cpu: '2' }, limits: { memory: '4Gi' } };
    const { job, pod, container } = build({
      pod: {
        resources,
        nodeSelector: { pool: 'bulk' },
        tolerations: [{ key: 'bulk', operator: 'Exists' }],
        labels: { 'kueue.x-k8s.io/queue-name': 'bulk' },
        annotations: { owner: 'us' },
      },
    });
    deepEqual(container.resources, resources);
    deepEqual(pod.nodeSelector, { pool: 'bulk' });
    equal(pod.tolerations?.at(-1)?.key, 'bulk');
    ok(pod.tolerations?.some(({ key }) => key === 'node.kubernetes.io/unreachable'));
    equal(job.metadata?.labels?.['kueue.x-k8s.io/queue-name'], 'bulk');
    equal(job.spec?.template.metadata?.annotations?.['owner'], 'us');
  });

  it("ends an hour after the run's own limit, and at the latest when the template says", () => {
    equal(build({ timeLimit: '2h' }).job.spec?.activeDeadlineSeconds, 3 * 3600);
    const ofTemplate = template.job.spec?.activeDeadlineSeconds;
    equal(build().job.spec?.activeDeadlineSeconds, ofTemplate);
    equal(build({ timeLimit: '365d' }).job.spec?.activeDeadlineSeconds, ofTemplate);
  });

  it('outlives the looks at it, whatever the template says', () => {
    const short = parseJobTemplate(
      text.replace('ttlSecondsAfterFinished: 86400', 'ttlSecondsAfterFinished: 0'),
      't.yaml',
    );
    const { job } = build({}, 1, short);
    equal(job.spec?.ttlSecondsAfterFinished, 3600);
  });

  it('names pods within what a host may be called', () => {
    /** RFC 1123; the Job controller makes host names of Job and index. */
    const longest = 63;
    ok(`${'r'.repeat(maxRunNameLength)}-999-99999`.length <= longest);
  });
});

describe('parseJobTemplate', () => {
  const broken: [string, (yaml: string) => string, RegExp][] = [
    ['no YAML', () => '{', /^read Job template t\.yaml: not YAML: /],
    ['another kind', (yaml) => yaml.replace('kind: Job', 'kind: Pod'), /it is not a Job/],
    [
      'a Job without indices',
      (yaml) => yaml.replace('completionMode: Indexed', 'completionMode: NonIndexed'),
      /completionMode is not Indexed/,
    ],
    [
      'pods that restart',
      (yaml) => yaml.replace('restartPolicy: Never', 'restartPolicy: OnFailure'),
      /restartPolicy is not Never/,
    ],
    [
      'no downloader',
      (yaml) => yaml.replace('- name: downloader', '- name: main'),
      /its container is not named "downloader"/,
    ],
    [
      'a second container, which would keep pods from ending',
      (yaml) =>
        yaml.replace(
          '      volumes:',
          '        - name: sidecar\n          image: x\n      volumes:',
        ),
      /it has a second container, "sidecar"/,
    ],
    [
      'a Job that counts its failures as one',
      (yaml) => yaml.replace('backoffLimitPerIndex: 1000000', 'backoffLimit: 6'),
      /spec lacks backoffLimitPerIndex — take it from k8s\/job.yaml/,
    ],
    [
      'a field of another kind',
      (yaml) =>
        yaml.replace(
          /containers:\n.*- name: downloader/,
          'containers: downloader\n      x:\n        - name: x',
        ),
      /^read Job template t\.yaml: spec\.template\.spec\.containers: Invalid input: expected array/,
    ],
    [
      'an index that soon fails for good',
      (yaml) => yaml.replace('backoffLimitPerIndex: 1000000', 'backoffLimitPerIndex: 6'),
      /spec\.backoffLimitPerIndex is less than 1000/,
    ],
    [
      'a rule that gives an index up',
      (yaml) => yaml.replace('action: FailJob', 'action: FailIndex'),
      /has a rule FailIndex, after which that index is not replaced/,
    ],
    [
      'a hook that takes the grace time',
      (yaml) =>
        yaml.replace(
          '          image: spotloop-downloader',
          '$&\n          lifecycle: {preStop: {sleep: {seconds: 5}}}',
        ),
      /container downloader has a preStop hook/,
    ],
    [
      'a Job that is done when one index is',
      (yaml) =>
        yaml.replace('  template:', '  successPolicy: {rules: [{succeededCount: 1}]}\n  template:'),
      /spec has successPolicy, which ends or stops the Job/,
    ],
  ];
  for (const [what, breakIt, pattern] of broken) {
    it(`refuses ${what}`, () => {
      throws(
        () => parseJobTemplate(breakIt(text), 't.yaml'),
        ({ message }: Error) => {
          match(message, pattern);
          equal(message.split('\n').length, 1);
          return true;
        },
      );
    });
  }
});
