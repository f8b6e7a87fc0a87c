import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';

/** The history of a run reads as a story: every activity and timer says in words what it is for. */

const folder = new URL('histories/', import.meta.url);
/** Words of a summary: more would not fit the Web UI's line. */
const longestSummary = 200;

describe('recorded histories', () => {
  for (const file of readdirSync(folder).toSorted()) {
    it(`have a summary on each activity and timer: ${file}`, () => {
      const { events } = historyFromJSON(JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
      for (const event of events ?? []) {
        const activity = event.activityTaskScheduledEventAttributes?.activityType?.name;
        const timer = event.timerStartedEventAttributes?.timerId;
        if (typeof activity !== 'string' && typeof timer !== 'string') continue;
        const what = `event ${String(event.eventId)}: ${activity ?? `timer ${timer}`}`;
        const payload = event.userMetadata?.summary;
        assert.ok(payload, `${what} has no summary`);
        const summary: string = defaultPayloadConverter.fromPayload(payload);
        assert.match(summary, /^[A-Z].*[^.]$/, what);
        assert.ok(summary.length <= longestSummary, what);
        assert.notEqual(summary, activity, what);
      }
    });
  }
});
