import type { ActivityInterceptors } from '@temporalio/worker';

/** Which run an activity belongs to: its input says so. The sweep's activity belongs to none. */
function runOf(args: readonly unknown[]): string | undefined {
  const [input] = args as [{ readonly run?: { readonly name?: unknown } | string }?];
  const name = typeof input?.run === 'object' ? input.run.name : input?.run;
  return typeof name === 'string' ? name : undefined;
}

/**
 * Marks what an activity logs with its run, as downloaders mark theirs: one filter on `run` shows both. What it counts carries
 * namespace and task queue, but not the activity's type, which says nothing that the counter's name does not.
 */
export function activityMarks(): ActivityInterceptors {
  let run: string | undefined;
  return {
    inbound: {
      execute(input, next) {
        run = runOf(input.args);
        return next(input);
      },
    },
    outbound: {
      getLogAttributes: (attributes, next) =>
        next(run === undefined ? attributes : { ...attributes, run }),
      getMetricTags(tags, next) {
        const { activityType, ...rest } = tags;
        return next(activityType === undefined ? tags : rest);
      },
    },
  };
}
