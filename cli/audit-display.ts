import { Presets, SingleBar } from 'cli-progress';
import type { AuditProgress } from '../activities/audit/audit-run.ts';

/** How an audit gets on: a bar on a terminal; nothing elsewhere, for it is done in seconds or said at the end. */
export type AuditDisplay = {
  readonly show: (progress: AuditProgress) => void;
  /** May be called again. */
  readonly end: () => void;
};

export function createAuditDisplay(stream: NodeJS.WriteStream): AuditDisplay {
  if (!stream.isTTY) return { show() {}, end() {} };
  const bar = new SingleBar(
    {
      format: '{bar} {value}/{total}  {step}',
      stream,
      hideCursor: true,
      clearOnComplete: true,
      // The terminal gives the cursor back when we end, however that is.
      gracefulExit: false,
      linewrap: false,
    },
    Presets.shades_classic,
  );
  let isShown = false;
  return {
    show({ step, done, total }) {
      if (!isShown) bar.start(1, 0, { step });
      isShown = true;
      bar.setTotal(total ?? done);
      bar.update(done, { step });
    },
    end() {
      if (isShown) bar.stop();
      isShown = false;
    },
  };
}
