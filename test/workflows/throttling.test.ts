import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Progress } from '../../domain/progress.ts';
import { pauseUpdate, resumeUpdate, scaleUpdate } from '../../workflows/messages.ts';
import {
  assertCompleted,
  hourMs,
  minuteMs,
  openStage,
  running,
  tell,
  withoutRepeats,
} from './story.ts';
import type { Stage, Story } from './story.ts';
import type { Slice } from './world.ts';

/** Sites that ask for patience, for hours that the server skips. */

let stage: Stage;
before(async () => {
  stage = await openStage();
});
after(() => stage.environment.teardown());

/** Each downloader's slots. */
const concurrency = 4;
const total = 1_000;

/** A fleet that does what it is asked to, at a site that throttles everybody for so long; then it is done in three hours. */
function throttledFor(throttledMs: number): Pick<Story, 'total' | 'fleet' | 'sample'> {
  return {
    total,
    fleet: ({ isSuspended, workers }) =>
      isSuspended ? { kind: 'suspended' } : running(workers, workers),
    sample: ({ ms, isSuspended, workers }): Slice => {
      const heard = isSuspended ? 0 : workers;
      const isThrottled = ms < throttledMs;
      const stored = isThrottled ? 0 : Math.floor(((ms - throttledMs) / (3 * hourMs)) * total);
      return {
        counts: { stored: Math.min(total, stored) },
        heard,
        idle: 0,
        holding: heard * concurrency,
        pausing: isThrottled ? heard : 0,
      };
    },
  };
}

/** Moments of a cooling's end that the run told, as minutes of its sentence and as ISO times. */
const coolingSentence =
  /^cooling down until (\d\d:\d\d) UTC: the site keeps asking for patience; then one downloader tries again$/;

describe('a run whose site throttles', () => {
  it('halves its fleet, cools down with growing pauses, tries with one, and recovers', async () => {
    const told = await tell(stage, { input: { workers: 8 }, ...throttledFor(hourMs) });
    assertCompleted(told);
    const asked = withoutRepeats(told.asked);
    assert.deepEqual(asked.slice(0, 4), ['start 8', 'scale 4', 'scale 2', 'scale 1']);
    assert.deepEqual(asked.slice(-4), ['scale 2', 'scale 4', 'scale 8', 'stop']);
    const coolings = asked.filter((call) => call === 'suspend').length;
    assert.ok(coolings >= 2, asked.join(', '));
    // After each cooling there is one, from its start on.
    const rounds = Array.from({ length: coolings }, () => ['suspend', 'scale 1', 'resume']).flat();
    assert.deepEqual(asked.slice(4, -4), rounds);
    for (const call of ['reconcile', 'publishItems']) {
      assert.ok(told.calls.filter((name) => name === call).length <= 1, call);
    }
  });

  it('says what it does and until when', async () => {
    const told = await tell(stage, { input: { workers: 2 }, ...throttledFor(hourMs) });
    assertCompleted(told);
    const cooling = told.progress.filter(({ state }) => coolingSentence.test(state));
    assert.ok(cooling.length > 0, told.sentences.join('\n'));
    for (const { state, until, phase, asOf } of cooling) {
      assert.equal(phase, 'downloading');
      assert.equal(until?.slice(11, 16), coolingSentence.exec(state)?.[1]);
      assert.ok((until ?? '') > (asOf ?? ''));
    }
    const untils = [...new Set(cooling.map(({ until }) => Date.parse(until ?? '')))];
    const began = untils.map((until) =>
      Math.min(
        ...cooling
          .filter((one) => Date.parse(one.until ?? '') === until)
          .map(({ asOf }) => Date.parse(asOf ?? '')),
      ),
    );
    const minutes = untils.map((until, at) => Math.round((until - (began[at] ?? 0)) / minuteMs));
    assert.deepEqual(minutes.slice(0, 2), [10, 20]);
    for (const sentence of [
      /^slowed down: the site asks for patience; unless it gives way by \d\d:\d\d UTC, there are fewer$/,
      /^slowed down to 1 downloader: the site asks for patience; unless it gives way by \d\d:\d\d UTC, it cools down$/,
      /^slowed down to 1 downloader until \d\d:\d\d UTC: the site asked for patience$/,
    ]) {
      assert.ok(
        told.sentences.some((said) => sentence.test(said)),
        `${sentence}\n${told.sentences.join('\n')}`,
      );
    }
  });

  it('cools as long as the site says, at once', async () => {
    const backMs = 50 * minuteMs;
    const story = throttledFor(backMs);
    let epochMs = 0;
    const told = await tell(stage, {
      ...story,
      sample: async (now) => {
        epochMs ||= (await stage.environment.currentTimeMs()) - now.ms;
        const slice = await story.sample(now);
        return slice.pausing ? { ...slice, pauseUntilMs: epochMs + backMs } : slice;
      },
    });
    assertCompleted(told);
    assert.deepEqual(withoutRepeats(told.asked), [
      'start 1',
      'suspend',
      'scale 1',
      'resume',
      'stop',
    ]);
  });
});

describe('a run that cools down', () => {
  it('stays cool when a person pauses and resumes it, and goes on afterwards', async () => {
    let resumedAtMs = 0;
    let goneOnAtMs = 0;
    let isResumed = false;
    const answers: Progress[] = [];
    const story = throttledFor(15 * minuteMs);
    const told = await tell(stage, {
      ...story,
      meanwhile: async (run, now) => {
        if (!now.isSuspended || isResumed) return;
        isResumed = true;
        await run.executeUpdate(pauseUpdate);
        answers.push(await run.executeUpdate(resumeUpdate));
        resumedAtMs = now.ms;
      },
      sample: (now) => {
        goneOnAtMs ||= now.asked.find(({ call }) => call === 'resume')?.atMs ?? 0;
        return story.sample(now);
      },
    });
    assertCompleted(told);
    assert.equal(answers[0]?.phase, 'downloading');
    assert.match(answers[0].state, coolingSentence);
    assert.ok(goneOnAtMs >= resumedAtMs + 5 * minuteMs, `${goneOnAtMs} – ${resumedAtMs}`);
    assert.deepEqual(withoutRepeats(told.asked), [
      'start 1',
      'suspend',
      'scale 1',
      'resume',
      'stop',
    ]);
  });

  it('stays paused when the cooling ends, until it is resumed', async () => {
    const story = throttledFor(15 * minuteMs);
    const told = await tell(stage, {
      ...story,
      meanwhile: async (run, now) => {
        if (!now.isSuspended) return;
        const pauses = now.asked.filter(({ call }) => call === 'suspend');
        if (pauses.length === 1) await run.executeUpdate(pauseUpdate);
        else if (now.ms > 2 * hourMs) await run.executeUpdate(resumeUpdate);
      },
    });
    assertCompleted(told);
    const resumed = told.asked.indexOf('resume');
    assert.ok(resumed > 0);
    assert.ok(told.sentences.includes('paused: nothing new is downloaded until resume'));
    assert.equal(told.asked.slice(resumed + 1).includes('suspend'), false);
  });

  it('is scaled to no more than it may have, and has all of it when the site gives way', async () => {
    let isScaled = false;
    const told = await tell(stage, {
      input: { workers: 2 },
      ...throttledFor(30 * minuteMs),
      meanwhile: async (run, now) => {
        if (isScaled || !now.isSuspended) return;
        isScaled = true;
        await run.executeUpdate(scaleUpdate, { args: [6] });
      },
    });
    assertCompleted(told);
    const asked = withoutRepeats(told.asked);
    assert.deepEqual(asked.slice(0, 4), ['start 2', 'scale 1', 'suspend', 'scale 1']);
    assert.equal(asked.at(-2), 'scale 6');
    // Never more than one before the site gave way.
    assert.ok(asked.indexOf('scale 2') > asked.lastIndexOf('suspend'));
  });
});

describe('a run with a rate', () => {
  it('publishes slice by slice what is due, and no more', async () => {
    const rateLimit = 10;
    let published = 0;
    let slices = 0;
    const told = await tell(stage, {
      total,
      input: { rateLimit },
      activities: {
        publishItems: async ({ from, sliceMs, pace }) => {
          if (pace === undefined) throw new Error('there is no pace');
          slices += 1;
          const perMs = pace.itemsPerMinute / minuteMs;
          const endsAtMs = (await stage.environment.currentTimeMs()) + sliceMs;
          const items = Math.max(1, Math.floor((endsAtMs - pace.dueAtMs) * perMs));
          published = Math.min(total, from + items);
          const dueAtMs = Math.round(pace.dueAtMs + items / perMs);
          return { next: published, isDone: published === total, dueAtMs };
        },
      },
      fleet: ({ workers }) => running(workers, workers),
      // What is published is stored at once, by somebody with slots to spare.
      sample: () => ({ counts: { stored: published }, heard: 1, idle: 0, holding: 1 }),
    });
    assertCompleted(told);
    assert.ok(told.ending.kind === 'completed');
    const minutes = told.ending.result.seconds / 60;
    assert.ok(minutes > 95 && minutes < 105, `${minutes} minutes`);
    // Early ones are short; a person who just started the run looks at it.
    assert.ok(slices < 250, `${slices} slices`);
  });

  it('publishes again at its rate what was lost, and nothing else', async () => {
    const asked: { again: boolean; from: number }[] = [];
    let isAgain = false;
    const told = await tell(stage, {
      total: 10,
      input: { rateLimit: 600 },
      activities: {
        publishItems: ({ from, again = false }) => {
          asked.push({ again, from });
          isAgain ||= again;
          return Promise.resolve({ next: 10, isDone: true, ...(again ? { leftAgain: 0 } : {}) });
        },
      },
      fleet: ({ workers }) => running(workers, workers),
      sample: () =>
        isAgain
          ? { counts: { stored: 10 } }
          : { counts: { stored: 9 }, heard: 1, idle: 1, holding: 0 },
    });
    assertCompleted(told);
    assert.deepEqual(asked, [
      { again: false, from: 0 },
      { again: true, from: 0 },
    ]);
    assert.ok(!told.calls.includes('reconcile'));
  });
});
