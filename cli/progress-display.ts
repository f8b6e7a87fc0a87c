import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../domain/progress.ts';
import type { Follower } from './follow-run.ts';
import { describeProgress, plain, settledText } from './progress-text.ts';

/** Shows how a run gets on. */
export type ProgressDisplay = Required<Follower> & {
  /** Leaves the last state standing; nothing is shown after it. May be called again. */
  end: () => void;
};

/** Often enough to see life in a log, seldom enough to read it. */
const lineEveryMs = 5_000;

/** On a terminal a bar, else a line now and then, without control characters. */
export function createProgressDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  // A dumb terminal knows no way back to the beginning of a line.
  const isBarAble = stream.isTTY && process.env['TERM'] !== 'dumb';
  return isBarAble ? createBar(stream) : createLines(stream);
}

function createBar(stream: NodeJS.WriteStream): ProgressDisplay {
  const bar = new SingleBar(
    {
      format: '{bar} {settled}  {text}',
      stream,
      // Room for the words on a terminal of 80 columns.
      barsize: 20,
      hideCursor: true,
      // The terminal gives it back when we end, however that is.
      gracefulExit: false,
      linewrap: false,
    },
    Presets.shades_classic,
  );
  let isShown = true;
  bar.start(1, 0, { settled: '', text: 'starting' });
  return {
    show(progress) {
      bar.setTotal(Math.max(1, progress.total ?? 1));
      bar.update(progress.settled, {
        settled: settledText(progress),
        text: describeProgress(progress, stream),
      });
    },
    tellSilence: (reason) => bar.update({ text: silence(reason) }),
    end() {
      if (isShown) bar.stop();
      isShown = false;
    },
  };
}

function createLines(stream: NodeJS.WriteStream): ProgressDisplay {
  let lastText = '';
  let lastAt = -Infinity;
  let pending = '';
  const show = (text: string) => {
    pending = text;
    const now = performance.now();
    if (pending === lastText || now - lastAt < lineEveryMs) return;
    stream.write(`${pending}\n`);
    lastText = pending;
    lastAt = now;
  };
  return {
    show: (progress) => show(`${settledText(progress)}  ${describeProgress(progress)}`),
    tellSilence: (reason) => show(silence(reason)),
    end() {
      if (pending !== lastText) stream.write(`${pending}\n`);
      lastText = pending;
    },
  };
}

function silence(reason: string): string {
  return `no Temporal worker answers for the run (${plain(reason)}) — is one running?`;
}

/** For programs: a JSON line for each answer, which is what query `progress` says. */
export function createJsonDisplay(stream: NodeJS.WriteStream, workflowId: string): ProgressDisplay {
  const write = (line: { readonly progress: Progress } | { readonly silence: string }) => {
    stream.write(`${JSON.stringify({ workflowId, at: new Date().toISOString(), ...line })}\n`);
  };
  return {
    show: (progress) => write({ progress }),
    tellSilence: (reason) => write({ silence: reason }),
    end() {},
  };
}
