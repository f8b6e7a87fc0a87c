import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRunSpec, runSpecFields } from '../../domain/run-spec.ts';

const least = { items: 'gs://lists/ids', destination: 'gs://videos/tmp' };

function specOf(input: unknown) {
  const parsed = parseRunSpec(input);
  assert.equal(parsed.kind, 'valid', JSON.stringify(parsed));
  return parsed.spec;
}

describe('parseRunSpec', () => {
  it('fills in the defaults', () => {
    assert.deepEqual(specOf(least), {
      items: 'gs://lists/ids',
      destination: { bucket: 'videos', prefix: 'tmp/' },
      task: {
        kind: 'yt-dlp',
        url: 'https://www.youtube.com/watch?v={key}',
        format: 'bestvideo[ext=mp4]+bestaudio[ext=m4a]/best[ext=mp4]/best',
        extension: 'mp4',
        options: [],
      },
      workers: { min: 1, max: 1 },
      placement: 'any',
      pod: {},
      concurrency: 4,
      attempts: 5,
      maxDeaths: 5,
      leaseDeadlineMs: 60_000,
      itemTimeoutMs: 3_600_000,
      maxItemSizeBytes: 10 * 1024 ** 3,
      idleExitMs: 300_000,
      timeLimitMs: undefined,
      goneForMs: 30 * 24 * 3_600_000,
    });
  });

  it('names the fields a user may write', () => {
    // Public names: add to this list, never rename.
    assert.deepEqual(runSpecFields, [
      'items',
      'destination',
      'task',
      'limit',
      'fleet',
      'workers',
      'placement',
      'pod',
      'concurrency',
      'leaseDeadline',
      'attempts',
      'maxDeaths',
      'itemTimeout',
      'maxItemSize',
      'idleExit',
      'timeLimit',
      'rateLimit',
      'tolerateFailures',
      'goneFor',
      'notify',
    ]);
  });

  const accepted: [string, object, (spec: ReturnType<typeof specOf>) => unknown, unknown][] = [
    [
      'a prefix without its slash',
      { destination: 'gs://b-1/a/b' },
      (s) => s.destination.prefix,
      'a/b/',
    ],
    ['a whole bucket', { destination: 'gs://b-1' }, (s) => s.destination.prefix, ''],
    [
      'durations',
      { itemTimeout: '90s', timeLimit: '2h' },
      (s) => [s.itemTimeoutMs, s.timeLimitMs],
      [90_000, 7_200_000],
    ],
    ['how long what is gone is not tried', { goneFor: '7d' }, (s) => s.goneForMs, 7 * 86_400_000],
    ['that all is tried', { goneFor: '0' }, (s) => s.goneForMs, 0],
    ['sizes', { maxItemSize: '1.5MB' }, (s) => s.maxItemSizeBytes, 1_572_864],
    [
      'a range of downloaders',
      { workers: { min: 2, max: 9 } },
      (s) => s.workers,
      { min: 2, max: 9 },
    ],
    ['a number of downloaders', { workers: 3 }, (s) => s.workers, { min: 3, max: 3 }],
    [
      'tolerated failures as a count',
      { tolerateFailures: 7 },
      (s) => s.tolerateFailures,
      { kind: 'count', count: 7 },
    ],
    [
      'tolerated failures as a share',
      { tolerateFailures: '2.5%' },
      (s) => s.tolerateFailures,
      { kind: 'percent', percent: 2.5 },
    ],
    [
      'what pods are to have',
      {
        placement: 'one-per-node',
        pod: {
          resources: { requests: { cpu: '500m' }, limits: { memory: '4Gi' } },
          tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }],
          labels: { 'kueue.x-k8s.io/queue-name': 'bulk' },
        },
      },
      (s) => [s.placement, s.pod.labels],
      ['one-per-node', { 'kueue.x-k8s.io/queue-name': 'bulk' }],
    ],
    ['keys given inline', { items: ['a', '-b'] }, (s) => s.items, ['a', '-b']],
    [
      'an http task',
      { task: { kind: 'http' } },
      (s) => s.task,
      { kind: 'http', url: '{key}', extension: '' },
    ],
    [
      'a command',
      { task: { kind: 'command', name: 'noop' } },
      (s) => s.task,
      { kind: 'command', name: 'noop', extension: '' },
    ],
  ];
  for (const [what, more, read, expected] of accepted) {
    it(`takes ${what}`, () => {
      assert.deepEqual(read(specOf({ ...least, ...more })), expected);
    });
  }
});
