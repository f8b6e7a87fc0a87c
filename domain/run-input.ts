import type { RunSpec, RunSpecInput } from './run-spec.ts';
import { parseRunSpec } from './run-spec.ts';

/**
 * The input that a parsed spec is of, with another list: what `parseRunSpec` makes the same spec of. Fields that would have their
 * default are left out, and `limit`, which was for the list before.
 */
export function runInputOf(
  spec: Omit<RunSpec, 'items'>,
  items: RunSpecInput['items'],
): RunSpecInput {
  const { destination, tolerateFailures, timeLimitMs, limit: _, ...rest } = spec;
  const { leaseDeadlineMs, itemTimeoutMs, maxItemSizeBytes, idleExitMs, goneForMs, ...same } = rest;
  const whole: RunSpecInput = {
    ...same,
    items,
    destination: `gs://${destination.bucket}/${destination.prefix}`,
    leaseDeadline: duration(leaseDeadlineMs),
    itemTimeout: duration(itemTimeoutMs),
    maxItemSize: `${maxItemSizeBytes}B`,
    idleExit: duration(idleExitMs),
    // Absent in the manifest of an older run.
    ...(goneForMs === undefined ? {} : { goneFor: duration(goneForMs) }),
    ...(timeLimitMs === undefined ? {} : { timeLimit: duration(timeLimitMs) }),
    ...(tolerateFailures === undefined ? {} : { tolerateFailures: toleratedOf(tolerateFailures) }),
  };
  const parsed = parsedText(whole);
  const kept = Object.entries(whole).filter(([name, value]) => {
    if (name === 'items' || name === 'destination') return true;
    return value !== undefined && parsedText({ ...whole, [name]: undefined }) !== parsed;
  });
  return Object.fromEntries(kept) as RunSpecInput;
}

function toleratedOf(tolerated: NonNullable<RunSpec['tolerateFailures']>) {
  if (tolerated.kind === 'count') return tolerated.count;
  // Never 5e-7.
  const plain = { useGrouping: false, maximumFractionDigits: 20 };
  return `${tolerated.percent.toLocaleString('en-US', plain)}%`;
}

/** Whole seconds where it is so, for a person reads it. */
function duration(durationMs: number): string {
  return durationMs % 1000 === 0 ? `${durationMs / 1000}s` : `${durationMs}ms`;
}

function parsedText(input: RunSpecInput): string {
  return JSON.stringify(parseRunSpec(input));
}
