import { z } from 'zod';
import type { RunRef } from './names.ts';
import { queueNames } from './names.ts';
import type { RunSpec } from './run-spec.ts';
import { taskSchema } from './task.ts';
import type { Task } from './task.ts';

/**
 * What the fleet tells each downloader, as JSON in the environment variable {@link assignmentVariable}: all that it
 * must know of the run. What belongs to the machine or the image (staging folder, grace time, programs) is not here.
 */
export type Assignment = {
  readonly run: string;
  /** Pub/Sub short names; a subscription has its topic's name. */
  readonly itemsTopic: string;
  /** Items that are worked on alone (I7). */
  readonly suspectsTopic: string;
  readonly outcomesTopic: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly task: Task;
  readonly concurrency: number;
  readonly leaseDeadlineMs: number;
  readonly attempts: number;
  readonly maxDeaths: number;
  readonly itemTimeoutMs: number;
  readonly maxItemSizeBytes: number;
  readonly idleExitMs: number;
};

export const assignmentVariable = 'SPOTLOOP_ASSIGNMENT';

const positive = z.int().positive();

/** The longest that a timer can wait, in ms: a longer one fires at once. */
const longestTimer = 2 ** 31 - 1;
const duration = positive.max(longestTimer);

const assignmentSchema = z.strictObject({
  run: z.string().min(1),
  itemsTopic: z.string().min(1),
  suspectsTopic: z.string().min(1),
  outcomesTopic: z.string().min(1),
  bucket: z.string().min(1),
  prefix: z.string(),
  /** What the run spec's parser made of it, which parses to the same again. */
  task: taskSchema,
  concurrency: positive,
  leaseDeadlineMs: duration,
  attempts: positive,
  maxDeaths: positive,
  itemTimeoutMs: duration,
  maxItemSizeBytes: positive,
  idleExitMs: duration,
});

export function planAssignment(run: RunRef, spec: RunSpec): Assignment {
  const queue = queueNames(run.name);
  return {
    run: run.name,
    itemsTopic: queue.items,
    suspectsTopic: queue.suspects,
    outcomesTopic: queue.outcomes,
    bucket: spec.destination.bucket,
    prefix: spec.destination.prefix,
    task: spec.task,
    concurrency: spec.concurrency,
    leaseDeadlineMs: spec.leaseDeadlineMs,
    attempts: spec.attempts,
    maxDeaths: spec.maxDeaths,
    itemTimeoutMs: spec.itemTimeoutMs,
    maxItemSizeBytes: spec.maxItemSizeBytes,
    idleExitMs: spec.idleExitMs,
  };
}

/** @throws Error that names the field when the text is not an assignment. */
export function decodeAssignment(text: string): Assignment {
  try {
    return assignmentSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`decode ${assignmentVariable}: not an assignment`, { cause });
  }
}
