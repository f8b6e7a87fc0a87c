import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../../domain/progress.ts';

/** Shows how a run gets on: a bar on a terminal, else a line now and then. No colours, so NO_COLOR has nothing to do. */
export type ProgressDisplay = {
  show: (progress: Progress) => void;
  /** Leaves the last state standing; nothing is shown after it. */
  end: () => void;
};

/** Often enough to see life in a log, seldom enough to read it. */
const lineEveryMs = 5_000;

/** A display on a stream: standard error, as the summary is what goes to standard output. */
export function createProgressDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  return stream.isTTY ? createBar(stream) : createLines(stream);
}

function createBar(stream: NodeJS.WriteStream): ProgressDisplay {
  const bar = new SingleBar(
    {
      format: '{bar} {value}/{total}  {text}',
      stream,
      hideCursor: true,
      // The terminal gives it back when we end, however that is.
      gracefulExit: false,
      linewrap: false,
    },
    Presets.shades_classic,
  );
  bar.start(1, 0, { text: 'starting' });
  return {
    show(progress) {
      bar.setTotal(progress.total ?? 1);
      bar.update(progress.settled, { text: describeProgress(progress) });
    },
    end: () => bar.stop(),
  };
}

function createLines(stream: NodeJS.WriteStream): ProgressDisplay {
  let lastText = '';
  let lastAt = -Infinity;
  let pending = '';
  return {
    show(progress) {
      pending = `${progress.settled}/${progress.total ?? '?'}  ${describeProgress(progress)}`;
      const now = performance.now();
      if (pending === lastText || now - lastAt < lineEveryMs) return;
      stream.write(`${pending}\n`);
      lastText = pending;
      lastAt = now;
    },
    end() {
      if (pending !== lastText) stream.write(`${pending}\n`);
    },
  };
}

/** The counts in words, the ones that are 0 left out: `97 stored, 3 failed, 180/min, 12 s left`. */
export function describeProgress(progress: Progress): string {
  const { stored, skipped, failed, quarantined, itemsPerMinute, secondsLeft, phase } = progress;
  const counts = Object.entries({ stored, skipped, failed, quarantined });
  const parts = counts.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`);
  if (itemsPerMinute !== null) parts.push(`${Math.round(itemsPerMinute)}/min`);
  if (secondsLeft !== null && secondsLeft > 0) parts.push(`${Math.ceil(secondsLeft)} s left`);
  return parts.length === 0 ? phase : parts.join(', ');
}
