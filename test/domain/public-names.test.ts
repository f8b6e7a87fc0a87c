import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { problemTexts } from '../../activities/audit/audit.ts';
import { parts } from '../../cli/doctor/finding.ts';
import { failureTypes } from '../../domain/failure-types.ts';
import { objectMarks } from '../../domain/object-marks.ts';
import { searchAttributes } from '../../domain/search-attributes.ts';
import { sideFileKinds } from '../../domain/side-files.ts';
import { leftTexts } from '../../domain/sweep.ts';

/** Names that people's scripts and other processes rely on: added here when they are added, never renamed. */
describe('public names', () => {
  it('of failure types stay', () => {
    assert.deepEqual(Object.values(failureTypes), [
      'InvalidRunSpec',
      'PreflightFailed',
      'InvalidList',
      'FleetFailed',
      'TooManyFailures',
      'TimeLimitExceeded',
      'Unaccounted',
      'StepFailed',
      'CleanUpFailed',
      'CollectorReplaced',
      'InvalidSweepSpec',
    ]);
  });

  it('of what an audit finds stay', () => {
    assert.deepEqual(Object.keys(problemTexts), [
      'settled-twice',
      'no-such-item',
      'listed-twice',
      'wrong-name',
      'missing',
      'different',
      'unsettled',
      'report',
    ]);
  });

  it('of side files and of the marks of objects stay', () => {
    assert.deepEqual(sideFileKinds, ['info', 'subtitles', 'automatic-subtitles', 'thumbnail']);
    assert.deepEqual(Object.values(objectMarks), [
      'spotloop-run',
      'spotloop-index',
      'spotloop-side-files',
      'spotloop-side',
    ]);
  });

  it('of what the doctor looks at stay', () => {
    assert.deepEqual(parts, [
      'node',
      'temporal',
      'temporal-worker',
      'search-attributes',
      'pubsub',
      'bucket',
      'cluster',
    ]);
  });

  it('of why a sweep leaves something stay', () => {
    assert.deepEqual(Object.keys(leftTexts), [
      'open',
      'closed-lately',
      'unknown-lately',
      'unmarked',
      'unasked',
      'unremoved',
    ]);
  });

  it('of workflows, queries and updates stay', () => {
    const index = readFileSync(new URL('../../workflows/index.ts', import.meta.url), 'utf8');
    assert.deepEqual(
      [...index.matchAll(/export \{ (\w+) \}/g)].map(([, name]) => name),
      ['downloadRun', 'sweepRuns'],
    );
    const messages = readFileSync(new URL('../../workflows/messages.ts', import.meta.url), 'utf8');
    const defined = messages.matchAll(/define(?:Query|Update|Signal)<.*?>\(\s*'(\w+)'/g);
    assert.deepEqual(
      [...defined].map(([, name]) => name),
      ['progress', 'errors', 'fleet', 'pause', 'resume', 'scale', 'setRateLimit'],
    );
  });

  it('of metrics stay; what both processes really tell, test/e2e/metrics.test.ts compares with the docs', () => {
    const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const names = [...text.matchAll(/^\| `(spotloop_\w+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(names, [
      'spotloop_downloader_info',
      'spotloop_downloader_items_total',
      'spotloop_downloader_item_seconds',
      'spotloop_downloader_stored_bytes',
      'spotloop_downloader_attempts_total',
      'spotloop_downloader_retries_total',
      'spotloop_downloader_items_released_total',
      'spotloop_downloader_slots',
      'spotloop_downloader_leases_total',
      'spotloop_downloader_throttled_pauses_total',
      'spotloop_downloader_throttled_rest_seconds',
      'spotloop_items_listed_total',
      'spotloop_items_present_total',
      'spotloop_items_gone_total',
      'spotloop_items_published_total',
      'spotloop_items_settled_total',
      'spotloop_stored_bytes_total',
      'spotloop_ledger_parts_total',
      'spotloop_outcomes_repeated_total',
      'spotloop_outcomes_refused_total',
      'spotloop_reconcile_rounds_total',
      'spotloop_items_republished_total',
    ]);
  });

  it('of search attributes stay, and their types', () => {
    assert.deepEqual(searchAttributes, {
      SpotloopState: 'Keyword',
      SpotloopTotal: 'Int',
      SpotloopSettled: 'Int',
      SpotloopFailed: 'Int',
      SpotloopDestination: 'Keyword',
    });
  });

  it('of environment variables stay', () => {
    const files = [
      'workers/temporal/settings.ts',
      'workers/downloader/environment.ts',
      'domain/assignment.ts',
    ];
    const names = files.flatMap((file) => {
      const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
      return [...text.matchAll(/\bSPOTLOOP_[A-Z_]+/g)].map(([name]) => name);
    });
    assert.deepEqual([...new Set(names)].toSorted(), [
      'SPOTLOOP_ALLOW_FILE_LISTS',
      'SPOTLOOP_ASSIGNMENT',
      'SPOTLOOP_COMMANDS_FILE',
      'SPOTLOOP_COOKIES_FILE',
      'SPOTLOOP_DOWNLOADER',
      'SPOTLOOP_EXIT_WITH_STDIN',
      'SPOTLOOP_FLEETS',
      'SPOTLOOP_GRACE_SECONDS',
      'SPOTLOOP_HEALTH_FOLDER',
      'SPOTLOOP_IMAGES',
      'SPOTLOOP_JOB_TEMPLATE',
      'SPOTLOOP_LOCAL_METRICS_ADDRESS',
      'SPOTLOOP_LOG_FOLDER',
      'SPOTLOOP_LOG_LEVEL',
      'SPOTLOOP_METRICS_ADDRESS',
      'SPOTLOOP_NAMESPACE',
      'SPOTLOOP_PROXY_FILE',
      'SPOTLOOP_SERVICE_ACCOUNTS',
      'SPOTLOOP_STAGING_FOLDER',
      'SPOTLOOP_TASK_QUEUE',
      'SPOTLOOP_TERMINATION_MESSAGE_FILE',
      'SPOTLOOP_WORKFLOW_BUNDLE',
      'SPOTLOOP_YTDLP',
    ]);
  });
});
