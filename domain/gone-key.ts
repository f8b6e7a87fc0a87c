import { z } from 'zod';
import type { Task } from './task.ts';
import { isGoneForYtDlp } from './yt-dlp-errors.ts';

/** A key that a run found gone, as the memory of a destination and the snapshot of a later run hold it. */
export type GoneKey = {
  readonly key: string;
  /** When it was found gone, Unix ms. */
  readonly atMs: number;
  /** What the origin said. */
  readonly error: string;
};

/** Shorter than an outcome's: 50,000 of them are in memory at a time, and an origin says that something is gone in few words. */
const maxErrorLength = 200;

/** A line's length in bytes stays far below this: a key has 1,024, and JSON may double what it quotes. */
export const maxGoneLineBytes = 8_192;

const dayMs = 86_400_000;

/** How long a gone key is not tried, unless a run says otherwise: what comes back is noticed within a month, and a channel's dead ids cost a night in thirty. */
export const usualGoneForMs = 30 * dayMs;

/** Longest time that a run may ask for; what is older than that no run asks about. */
export const longestGoneForMs = 365 * dayMs;

const schema = z.strictObject({ key: z.string().min(1), at: z.iso.datetime(), error: z.string() });

/** One line of JSON without the line's end; the time as a person reads it. */
export function encodeGoneKey({ key, atMs, error }: GoneKey): string {
  const text = error.split('\n', 1)[0]?.slice(0, maxErrorLength).toWellFormed() ?? '';
  return JSON.stringify({ key, at: new Date(atMs).toISOString(), error: text });
}

/** @throws Error when the line is none of ours. */
export function decodeGoneKey(line: string): GoneKey {
  try {
    const { key, at, error } = schema.parse(JSON.parse(line));
    return { key, atMs: Date.parse(at), error };
  } catch (cause) {
    throw new Error('decode gone key: not what a run writes — it was changed', { cause });
  }
}

/**
 * Statuses that say of an address that there is nothing, and not whom it is for or how to ask: RFC 9110 404 Not Found and 410 Gone,
 * RFC 7725 451 Unavailable For Legal Reasons.
 */
const goneStatuses = /^HTTP (404|410|451)$/;

/** How a command says that its input does not exist: EX_NOINPUT of sysexits.h. */
const noInput = /^exit code 66\b/;

/**
 * Whether a permanent failure means that the origin does not have the item any more, by its text, which ledgers of any age hold.
 * Much that is permanent for a run is not: what is too large, needs an account or another country, begins tomorrow, or was asked wrongly,
 * may be had when the run's input, its cookies or its image are others.
 */
export function isGone(task: Pick<Task, 'kind'>, error: string): boolean {
  switch (task.kind) {
    case 'http':
      return goneStatuses.test(error);
    case 'yt-dlp':
      return isGoneForYtDlp(error);
    case 'command':
      return noInput.test(error);
  }
}

/** Of a task, what decides whether an item is gone: where it is asked for. Another format may not change that, another address does. */
export function sourceOf(task: Task): readonly [kind: Task['kind'], source: string] {
  return [task.kind, task.kind === 'command' ? task.name : task.url];
}
