import { ApplicationFailure } from '@temporalio/activity';
import type { EndingCase } from './endings.ts';

/** Runs that tell somebody of their end. */
export const toldEndingCases: readonly EndingCase[] = [
  {
    name: 'completed-and-told',
    input: { notify: 'projects/p-1/topics/ends' },
    script: {},
    expected: { kind: 'completed' },
    calls: ['writeReport', 'notify'],
  },
  {
    name: 'completed-and-nobody-told',
    input: { notify: 'https://hooks.test/ends' },
    script: {
      activities: {
        notify: () =>
          Promise.reject(ApplicationFailure.nonRetryable('notify hooks.test: HTTP 404')),
      },
    },
    expected: { kind: 'completed' },
    calls: ['writeReport', 'notify'],
  },
  {
    name: 'failed-preflight-and-told',
    input: { notify: 'projects/p-1/topics/ends' },
    script: {
      activities: {
        preflight: () =>
          Promise.reject(
            ApplicationFailure.nonRetryable('read list gs://b/list: not found', 'PreflightFailed'),
          ),
      },
    },
    expected: { kind: 'failed', type: 'PreflightFailed', message: /^read list/ },
    calls: ['preflight', 'notify'],
    neverCalled: ['snapshotList', 'writeReport'],
  },
];
