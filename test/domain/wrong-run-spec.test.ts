import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseRunSpec, runSpecFields } from '../../domain/run-spec.ts';
import { spoiled } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';

const least = { items: 'gs://lists/ids', destination: 'gs://videos/tmp' };

function problemsOf(input: unknown): readonly string[] {
  const parsed = parseRunSpec(input);
  assert.equal(parsed.kind, 'invalid', 'it should not have parsed');
  return parsed.problems;
}

describe('parseRunSpec, given what is wrong,', () => {
  const refused: [string, unknown, RegExp][] = [
    ['null', null, /^the input is not an object/],
    ['a text', 'gs://a/b', /^the input is not an object/],
    ['a missing list', { destination: 'gs://videos' }, /^"items" is missing — give the address/],
    ['a missing destination', { items: ['a'] }, /^"destination" is missing — give a place/],
    [
      'an address it cannot read',
      { ...least, items: 'ftp://x/y' },
      /^"items" .*gs:\/\/, https:\/\/, yt-dlp\+https:\/\/ or file:\/\//,
    ],
    ['an empty inline list', { ...least, items: [] }, /^"items" /],
    [
      'a misspelt field',
      { ...least, concurency: 3 },
      /^unknown field "concurency" — did you mean "concurrency"\?$/,
    ],
    [
      'a field nobody knows',
      { ...least, xyzzyxyzzy: 3 },
      /^unknown field "xyzzyxyzzy" — known are items, destination/,
    ],
    [
      'a misspelt field of the task',
      { ...least, task: { kind: 'http', ulr: 'x' } },
      /^unknown field "task.ulr" — did you mean "url"\?$/,
    ],
    [
      'a misspelt task',
      { ...least, task: { kind: 'ytdlp' } },
      /^unknown task "ytdlp" — did you mean "yt-dlp"\?$/,
    ],
    [
      'an unknown task',
      { ...least, task: { kind: 'teleport' } },
      /^unknown task "teleport" — known are yt-dlp, http, command$/,
    ],
    [
      'a goneFor that is none',
      { ...least, goneFor: 'never' },
      /^"goneFor" is not a duration — write it like/,
    ],
    [
      'a goneFor beyond what is remembered',
      { ...least, goneFor: '2y' },
      /^"goneFor" is out of range — from 0s to 365d$/,
    ],
    [
      'a template without {key}',
      { ...least, task: { kind: 'http', url: 'https://a/b' } },
      /^"task.url" has no \{key\}/,
    ],
    [
      'a template that is no http',
      { ...least, task: { kind: 'http', url: 'file:///{key}' } },
      /^"task.url" is not an http\(s\) address/,
    ],
    [
      'a program for a name',
      { ...least, task: { kind: 'command', name: '/bin/sh' } },
      /^"task.name" is not a command name/,
    ],
    [
      'an option that runs programs',
      { ...least, task: { kind: 'yt-dlp', options: ['--exec=rm'] } },
      /^"task.options\[0\]" is not an allowed option/,
    ],
    [
      'an option that would take the next one for its value',
      { ...least, task: { kind: 'yt-dlp', options: ['--match-filters'] } },
      /^"task.options\[0\]" is not an allowed option — .*--match-filters=…/,
    ],
    [
      'a flag with a value',
      { ...least, task: { kind: 'yt-dlp', options: ['--no-playlist=x'] } },
      /^"task.options\[0\]" is not an allowed option/,
    ],
    [
      'an extension with a path',
      { ...least, task: { kind: 'http', extension: '../x' } },
      /^"task.extension" is not a file extension/,
    ],
    [
      'a misspelt field of the pod',
      { ...least, pod: { serviceacount: 'x' } },
      /^unknown field "pod.serviceacount" — did you mean "serviceAccount"\?$/,
    ],
    [
      'a misspelt field of its resources',
      { ...least, pod: { resources: { request: { cpu: '1' } } } },
      /^unknown field "pod.resources.request" — did you mean "requests"\?$/,
    ],
    [
      'a quantity that is none',
      { ...least, pod: { resources: { limits: { memory: '4GB' } } } },
      /^"pod.resources.limits.memory" is not a quantity — write it like "500m", "2" or "4Gi"$/,
    ],
    [
      "a label of Spotloop's own",
      { ...least, pod: { labels: { 'spotloop-run': 'another' } } },
      /^"pod.labels.spotloop-run" is one that Spotloop or the Job controller sets itself/,
    ],
    [
      'an annotation that the cluster obeys',
      {
        ...least,
        pod: { annotations: { 'container.apparmor.security.beta.kubernetes.io/x': 'y' } },
      },
      /is one that Kubernetes itself obeys, the operator's to set — have it added to the Job template$/,
    ],
    ['a placement it does not know', { ...least, placement: 'two-per-node' }, /^"placement"/],
    [
      'a wrong type',
      { ...least, attempts: '3' },
      /^"attempts": .*expected (number|int), received string/,
    ],
    [
      'quarantine before an item was worked on alone',
      { ...least, maxDeaths: 2 },
      /^"maxDeaths": too small/,
    ],
    ['a number out of range', { ...least, concurrency: 0 }, /^"concurrency": too small/],
    [
      'a duration without unit',
      { ...least, leaseDeadline: '60' },
      /^"leaseDeadline" is not a duration — write it like/,
    ],
    [
      'a duration out of range',
      { ...least, leaseDeadline: '5s' },
      /^"leaseDeadline" is out of range — from 10s to 10m/,
    ],
    [
      'a size that no object has',
      { ...least, maxItemSize: '6TB' },
      /^"maxItemSize" is out of range — up to 5TB/,
    ],
    ['a size without unit', { ...least, maxItemSize: '10' }, /^"maxItemSize" is not a size/],
    ['min above max', { ...least, workers: { min: 3, max: 2 } }, /^"workers" has min above max/],
    [
      'a destination that is no bucket',
      { ...least, destination: '/tmp' },
      /^"destination" is not a place in Cloud Storage/,
    ],
    [
      'a destination among run folders',
      { ...least, destination: 'gs://abc/.spotloop/x' },
      /^"destination" lies in \.spotloop\//,
    ],
    [
      'a destination that climbs',
      { ...least, destination: 'gs://abc/../x' },
      /^"destination" holds "." or ".." between slashes/,
    ],
    [
      'a share above all',
      { ...least, tolerateFailures: '100.5%' },
      /^"tolerateFailures" is neither/,
    ],
    [
      'a share that is none',
      { ...least, tolerateFailures: '500%' },
      /^"tolerateFailures" is neither/,
    ],
  ];
  for (const [what, input, message] of refused) {
    it(`refuses ${what} in one clear line`, () => {
      const problems = problemsOf(input);
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] ?? '', message);
    });
  }

  it('reports all problems at once', () => {
    assert.equal(problemsOf({ items: 5, destination: 'x', workers: 0, atempts: 1 }).length, 4);
  });

  const longestAnswer = 100_000;

  it('says in bounded words what is wrong with whatever JSON, and changes nothing of it', async () => {
    const right = fc.record(
      {
        items: fc.constantFrom('gs://b/l', 'https://h/l'),
        destination: fc.constantFrom('gs://bucket/v/', 'gs://bucket'),
        task: fc.constantFrom({ kind: 'http' }, { kind: 'command', name: 'x' }),
        workers: fc.constantFrom(3, { min: 1, max: 9 }),
        pod: fc.constantFrom({}, { labels: { team: 'a' }, resources: { limits: { cpu: '1' } } }),
        tolerateFailures: fc.constantFrom(5, '5%'),
        timeLimit: fc.constant('1h'),
      },
      { requiredKeys: ['items', 'destination'] },
    );
    const nested = fc
      .tuple(right, spoiled(fc.constant({ kind: 'yt-dlp' })), spoiled(fc.constant({ labels: {} })))
      .map(
        ([spec, task, pod]) => `${JSON.stringify(spec).slice(0, -1)},"task":${task},"pod":${pod}}`,
      );
    await fuzz(
      fc.property(fc.oneof(spoiled(right), nested), (text) => {
        let input: unknown;
        try {
          input = JSON.parse(text);
        } catch {
          return;
        }
        const parsed = parseRunSpec(input);
        assert.deepEqual(parseRunSpec(JSON.parse(text)), parsed);
        // assert's own comparison does not bear what is nested without end.
        if (!text.includes('[[[[')) assert.deepEqual(input, JSON.parse(text));
        if (parsed.kind === 'valid') {
          assert.ok(parsed.spec.destination.prefix.isWellFormed());
          assert.match(parsed.spec.destination.prefix, /^(|.*\/)$/s);
          return;
        }
        const answer = parsed.problems.join('\n');
        assert.ok(answer !== '' && answer.length < longestAnswer, `${answer.length} characters`);
      }),
    );
  });

  it('names the first of thousands of problems, for Temporal takes no failure of megabytes', () => {
    const fields = Object.fromEntries(Array.from({ length: 200_000 }, (_, at) => [`k${at}`, 1]));
    const problems = problemsOf({ ...least, ...fields });
    assert.equal(problems.length, 51);
    assert.equal(problems.at(-1), 'more is wrong — mend these 50 first');
    assert.ok(problemsOf({ ...least, ['x'.repeat(1_000_000)]: 1 }).join('').length < 1_000);
    assert.ok(
      problemsOf({ ...least, task: { kind: 'x'.repeat(1_000_000) } }).join('').length < 1_000,
    );
  });

  it('refuses the one label that would be lost on the way', () => {
    const text =
      '{"items":"gs://b/l","destination":"gs://bucket/","pod":{"labels":{"__proto__":"x"}}}';
    assert.deepEqual(problemsOf(JSON.parse(text)), [
      '"pod.labels" holds the name "__proto__", which nothing can have',
    ]);
  });

  it('refuses a prefix that no object name can begin with', () => {
    assert.deepEqual(problemsOf({ ...least, destination: 'gs://bucket/\ud800/' }), [
      '"destination" is not valid Unicode',
    ]);
  });

  it('answers whatever it is given and never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        const parsed = parseRunSpec(input);
        assert.ok(
          parsed.kind === 'valid' || parsed.problems.every((problem) => problem.length > 0),
        );
      }),
    );
    fc.assert(
      fc.property(
        fc.record(Object.fromEntries(runSpecFields.map((field) => [field, fc.anything()])), {
          requiredKeys: [],
        }),
        (input) => {
          const parsed = parseRunSpec(input);
          assert.ok(parsed.kind === 'valid' || parsed.problems.length > 0);
        },
      ),
    );
  });
});
