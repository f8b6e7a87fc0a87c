import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';
import {
  countReplaced,
  describeDeath,
  findHopeless,
} from '../../../../activities/fleets/kubernetes/pod-deaths.ts';
import { waitingReason } from '../../../../activities/fleets/kubernetes/waiting-reason.ts';

/** Statuses as kubelet, scheduler and Job controller of Kubernetes 1.34 write them. */

const startedAt = new Date('2026-11-23T12:00:00Z');
const secondsLater = (seconds: number) => new Date(startedAt.getTime() + seconds * 1000);

function unschedulable(message: string): V1Pod {
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
  return { metadata: { name: 'r-1-0-abcde', uid: 'u' }, status: { phase: 'Pending', conditions } };
}

function notStarted(reason: string, message: string): V1Pod {
  return {
    metadata: { name: 'r-1-0-abcde' },
    status: {
      phase: 'Pending',
      startTime: startedAt,
      conditions: [{ type: 'PodScheduled', status: 'True' }],
      containerStatuses: [
        {
          name: 'downloader',
          image: 'x/y:1',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { waiting: { reason, message } },
        },
      ],
    },
  };
}

const event = (reason: string, message: string): CoreV1Event => ({
  reason,
  message,
  involvedObject: {},
  metadata: {},
});

describe('waitingReason', () => {
  it("gives the scheduler's reason without what preemption might have done", () => {
    const pod = unschedulable(
      '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
    );
    deepEqual(waitingReason(pod, [], Date.now()), {
      kind: 'passing',
      reason: 'room on a node: 0/2 nodes are available: 2 Insufficient cpu',
    });
  });

  it('calls a stockout by its name, as the autoscaler tells it', () => {
    const message =
      'Node scale up in zones us-central1-c associated with this pod failed: GCE out of resources. Pod is at risk of not being scheduled.';
    deepEqual(
      waitingReason(unschedulable('0/1 nodes are available'), [event('FailedScaleUp', message)], 0),
      { kind: 'passing', reason: `Spot capacity: ${message}` },
    );
  });

  it('waits some minutes for an image that cannot be pulled, and no longer', () => {
    const pod = notStarted('ImagePullBackOff', 'Back-off pulling image "x/y:1"');
    const reason = 'image x/y:1: ImagePullBackOff: Back-off pulling image "x/y:1"';
    deepEqual(waitingReason(pod, [], secondsLater(60).getTime()), { kind: 'passing', reason });
    deepEqual(waitingReason(pod, [], secondsLater(301).getTime()), { kind: 'definite', reason });
  });

  it('names the volume that cannot be mounted', () => {
    const pod = notStarted('ContainerCreating', '');
    const message = 'MountVolume.SetUp failed for volume "cookies" : secret "cookies" not found';
    equal(
      waitingReason(pod, [event('FailedMount', message)], startedAt.getTime()).reason,
      `its volumes: ${message}`,
    );
  });

  it('does not wait for an image that can never be', () => {
    const pod = notStarted('InvalidImageName', 'Failed to apply default image tag "x y"');
    equal(waitingReason(pod, [], startedAt.getTime()).kind, 'definite');
  });

  it('sees what an init container waits for', () => {
    const { status, ...pod } = notStarted('ErrImagePull', 'not found');
    const { containerStatuses: initContainerStatuses, ...rest } = status ?? {};
    const waiting = { ...pod, status: { ...rest, initContainerStatuses } };
    equal(
      waitingReason(waiting, [], startedAt.getTime()).reason,
      'image x/y:1: ErrImagePull: not found',
    );
  });

  it('waits for a secret that comes later', () => {
    const pod = notStarted('CreateContainerConfigError', 'secret "cookies" not found');
    deepEqual(waitingReason(pod, [], secondsLater(5).getTime()), {
      kind: 'passing',
      reason: 'the container: CreateContainerConfigError: secret "cookies" not found',
    });
  });
});

function dead(more: {
  failures?: number;
  ignored?: number;
  index?: number;
  seconds?: number;
  message?: string;
  reason?: string;
  isDisrupted?: boolean;
}): V1Pod {
  const { failures = 0, ignored = 0, index = 0, seconds = 60, reason = 'Error' } = more;
  return {
    metadata: {
      name: `r-1-${index}-abcde`,
      labels: { 'batch.kubernetes.io/job-name': 'r-1' },
      annotations: {
        'batch.kubernetes.io/job-completion-index': String(index),
        'batch.kubernetes.io/job-index-failure-count': String(failures),
        'batch.kubernetes.io/job-index-ignored-failure-count': String(ignored),
      },
    },
    status: {
      conditions: more.isDisrupted === true ? [{ type: 'DisruptionTarget', status: 'True' }] : [],
      containerStatuses: [
        {
          name: 'downloader',
          image: 'x',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: {
            terminated: {
              exitCode: 1,
              reason,
              startedAt,
              finishedAt: secondsLater(seconds),
              ...(more.message === undefined ? {} : { message: more.message }),
            },
          },
        },
      ],
    },
  };
}

describe('deaths of pods', () => {
  it('are counted once an index, whatever became of its earlier pods', () => {
    deepEqual(
      countReplaced([
        dead({ index: 0, failures: 1, ignored: 1 }),
        dead({ index: 0, failures: 1, ignored: 2 }),
        dead({ index: 1, ignored: 3 }),
        { metadata: {} },
      ]),
      { replaced: 6, preempted: 5 },
    );
  });

  it('are hopeless when an index dies again and again right after its start', () => {
    const deaths = (count: number, more: Parameters<typeof dead>[0]) =>
      Array.from({ length: count }, () => dead(more));
    const soon = secondsLater(60).getTime();
    ok(findHopeless(deaths(6, { seconds: 2 }), soon) !== undefined);
    equal(findHopeless(deaths(5, { seconds: 2 }), soon), undefined);
    equal(findHopeless(deaths(6, { seconds: 2 }), secondsLater(3600).getTime()), undefined);
    equal(
      findHopeless([...deaths(3, { index: 0, seconds: 2 }), ...deaths(3, { index: 1 })], soon),
      undefined,
    );
    equal(findHopeless(deaths(6, { seconds: 2, isDisrupted: true }), soon), undefined);
    const worked = { seconds: 55, isDisrupted: true };
    equal(findHopeless([...deaths(6, { seconds: 2 }), dead(worked)], soon), undefined);
  });

  it('that the kubelet explains are told in its words', () => {
    const pod = dead({});
    Object.assign(pod.status ?? {}, {
      reason: 'Evicted',
      message: 'Usage of EmptyDir volume "staging" exceeds the limit "8Mi". ',
    });
    equal(
      describeDeath(pod),
      'run pod r-1-0-abcde: Evicted: Usage of EmptyDir volume "staging" exceeds the limit "8Mi".',
    );
  });

  it('are told with exit code, reason and last words', () => {
    equal(
      describeDeath(dead({ reason: 'OOMKilled' })),
      'run pod r-1-0-abcde: exit code 1 (OOMKilled)',
    );
    equal(
      describeDeath(dead({ message: 'spotloop downloader: no bucket\n' })),
      'run pod r-1-0-abcde: exit code 1, "spotloop downloader: no bucket"',
    );
    equal(describeDeath(dead({ isDisrupted: true })), 'run pod r-1-0-abcde: preempted or evicted');
  });
});
