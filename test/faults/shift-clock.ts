import { readFileSync } from 'node:fs';

/**
 * Loaded into a process by `node --import`: what it takes for the time of day is wrong by as many ms as stand in the file that
 * is named by {@link clockFileVariable}. In a downloader alone; the Temporal worker that starts it keeps its time.
 */
export const clockFileVariable = 'TEST_CLOCK_FILE';

/** A clock is set at some moment, also in the middle of a call. */
const lookEveryMs = 50;

const file = process.env[clockFileVariable];
if (file !== undefined && process.argv[1]?.endsWith('workers/downloader/main.ts') === true) {
  const RealDate = Date;
  let offsetMs = 0;
  const look = (): void => {
    try {
      offsetMs = Number(readFileSync(file, 'utf8'));
    } catch {
      // Nobody has set the clock.
    }
  };
  look();
  setInterval(look, lookEveryMs).unref();
  const now = (): number => RealDate.now() + offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: [], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  });
}
