import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { runInputOf } from '../../domain/run-input.ts';
import { parseRunSpec } from '../../domain/run-spec.ts';
import type { RunSpec, RunSpecInput } from '../../domain/run-spec.ts';

function specOf(input: RunSpecInput): RunSpec {
  const parsed = parseRunSpec(input);
  if (parsed.kind === 'valid') return parsed.spec;
  throw new Error(parsed.problems.join());
}

const items = 'gs://bucket/.spotloop/nightly-0123456789ab/retry.txt';
const least = { items: 'gs://bucket/ids', destination: 'gs://bucket/videos/' };

describe('runInputOf', () => {
  it('leaves out what is as it would be, and the limit of the list before', () => {
    deepEqual(runInputOf(specOf({ ...least, limit: 10 }), items), {
      items,
      destination: least.destination,
    });
  });

  it('keeps what a person chose, as a person writes it', () => {
    const input = {
      ...least,
      destination: 'gs://bucket/videos',
      task: { kind: 'http', url: 'https://example.com/{key}' } as const,
      workers: { min: 1, max: 50 },
      leaseDeadline: '90s',
      maxItemSize: '1KB',
      timeLimit: '2h',
      goneFor: '0',
      tolerateFailures: '0.0000005%',
      pod: { labels: { team: 'x' } },
    };
    deepEqual(runInputOf(specOf(input), items), {
      items,
      destination: 'gs://bucket/videos/',
      task: { ...input.task, extension: '' },
      workers: input.workers,
      leaseDeadline: '90s',
      maxItemSize: '1024B',
      timeLimit: '7200s',
      goneFor: '0s',
      tolerateFailures: '0.0000005%',
      pod: input.pod,
    });
  });

  it('is parsed to the same spec', () => {
    const inputs = fc.record(
      {
        concurrency: fc.integer({ min: 1, max: 1_000 }),
        workers: fc.integer({ min: 1, max: 15_000 }),
        leaseDeadline: fc.integer({ min: 10_000, max: 600_000 }).map((ms) => `${ms}ms`),
        itemTimeout: fc.integer({ min: 1, max: 600 }).map((minutes) => `${minutes}m`),
        maxItemSize: fc.integer({ min: 1, max: 10_000 }).map((size) => `${size}MB`),
        rateLimit: fc.double({ min: 0.01, max: 1e7, noNaN: true }),
        tolerateFailures: fc.oneof(
          fc.nat(),
          fc.double({ min: 1e-9, max: 99, noNaN: true }).map((part) => `${part.toFixed(12)}%`),
        ),
        placement: fc.constantFrom('any' as const, 'one-per-node' as const),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(inputs, (more) => {
        const spec = specOf({ ...least, ...more });
        deepEqual(specOf(runInputOf(spec, items)), { ...spec, items });
      }),
    );
    equal(specOf(runInputOf(specOf(least), ['a'])).items[0], 'a');
  });
});
