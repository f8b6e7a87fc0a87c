import { z } from 'zod';
import { longestGoneForMs, usualGoneForMs } from './gone-key.ts';
import { deathsToWorkAlone } from './item.ts';
import { noticePlace } from './notice.ts';
import { placements, podSchema } from './pod.ts';
import { problemsIn } from './spec-problems.ts';
import { taskSchema } from './task.ts';
import { formatDuration, parseDurationMs, parseSizeBytes } from './units.ts';

/** An inline list is an example or a retry of a few; 1,000 keys of 1 KB are half of Temporal's 2 MB a payload. */
export const maxInlineItems = 1_000;

/** A field with a duration from `least` to `most`, such as "90s"; ms after parsing. */
export const duration = (least: string, most: string) =>
  z.string().transform((text, context) => {
    const value = parseDurationMs(text);
    if (value === null) {
      context.addIssue({
        code: 'custom',
        message: 'is not a duration — write it like "90s", "10m" or "2h"',
      });
      return z.NEVER;
    }
    if (value < (parseDurationMs(least) ?? 0) || value > (parseDurationMs(most) ?? 0)) {
      context.addIssue({ code: 'custom', message: `is out of range — from ${least} to ${most}` });
      return z.NEVER;
    }
    return value;
  });

/** An object of Cloud Storage ends there: cloud.google.com/storage/quotas#objects */
const maxObjectSize = '5TB';

const size = z.string().transform((text, context) => {
  const value = parseSizeBytes(text);
  if (value === null || value === 0) {
    context.addIssue({
      code: 'custom',
      message: 'is not a size — write it like "500MB" or "10GB"',
    });
    return z.NEVER;
  }
  if (value > (parseSizeBytes(maxObjectSize) ?? 0)) {
    context.addIssue({ code: 'custom', message: `is out of range — up to ${maxObjectSize}` });
    return z.NEVER;
  }
  return value;
});

const tolerated = z.union(
  [
    z
      .int()
      .nonnegative()
      .transform((count) => ({ kind: 'count' as const, count })),
    z
      .string()
      .regex(/^(100(\.0+)?|\d{1,2}(\.\d+)?)%$/)
      .transform((text) => ({ kind: 'percent' as const, percent: Number.parseFloat(text) })),
  ],
  { error: 'is neither a number of items nor a share — write 50 or "5%"' },
);

const workers = z.union(
  [
    z
      .int()
      .min(1)
      .max(15_000)
      .transform((count) => ({ min: count, max: count })),
    z
      .strictObject({ min: z.int().min(1).max(15_000), max: z.int().min(1).max(15_000) })
      .refine(({ min, max }) => min <= max, { error: 'has min above max' }),
  ],
  { error: 'is neither a number of downloaders from 1 to 15,000 nor { "min": …, "max": … }' },
);

/** Items a minute of a whole run; at least one in a hundred minutes: a slower list is a schedule's. */
export const rateLimits = { min: 0.01, max: 10_000_000 } as const;

const fields = z.strictObject({
  /** The list: gs://, https:// or (local stack) file://; a page that yt-dlp lists: yt-dlp+https://; or a short array of keys. */
  items: z.union(
    [
      z.string().regex(/^(gs|(yt-dlp\+)?https?|file):\/\/.+/, {
        error:
          'is not the address of a list — start it with gs://, https://, yt-dlp+https:// or file://',
      }),
      z.array(z.string()).refine((keys) => keys.length >= 1 && keys.length <= maxInlineItems, {
        error: `holds none or too many — an inline list has 1 to ${maxInlineItems} keys, a longer one is a file`,
      }),
    ],
    {
      error: `is neither the address of a list (gs://, https://, yt-dlp+https://, file://) nor an array of 1 to ${maxInlineItems} keys`,
    },
  ),
  /** Where objects go: gs://BUCKET/PREFIX/. */
  destination: z
    .string()
    .regex(/^gs:\/\/[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](\/.*)?$/, {
      error: 'is not a place in Cloud Storage — write it like "gs://my-bucket/videos/"',
    })
    .refine((text) => !/^gs:\/\/[^/]+\/\.spotloop(\/|$)/.test(text), {
      error: 'lies in .spotloop/, where run folders are — choose another prefix',
    })
    .refine((text) => !/[\r\n\0]/.test(text), { error: 'holds a control character' })
    .refine((text) => text.isWellFormed(), { error: 'is not valid Unicode' })
    .refine((text) => !/\/\.{1,2}(\/|$)/.test(text), {
      error: 'holds "." or ".." between slashes — write the prefix as it is to be',
    })
    .transform((text) => {
      const [, bucket = '', path = ''] = /^gs:\/\/([^/]+)\/?(.*)$/s.exec(text) ?? [];
      return { bucket, prefix: path === '' || path.endsWith('/') ? path : `${path}/` };
    }),
  task: taskSchema.prefault({ kind: 'yt-dlp' }),
  /** Only the first so many unique items. */
  limit: z.int().min(1).optional(),
  fleet: z.enum(['local', 'kubernetes']).optional(),
  /** Downloaders: as many as the items left can use, from `min` (while items wait) to `max`. */
  workers: workers.default({ min: 1, max: 1 }),
  /** Kubernetes: whether two downloaders of the run may share a node, and with it disk and address. */
  placement: z.enum(placements).default('any'),
  /** Kubernetes: what each downloader's pod is to have. */
  pod: podSchema.default({}),
  /** Slots of each downloader. */
  concurrency: z.int().min(1).max(1_000).default(4),
  /** How long a dead downloader's items stay leased; Pub/Sub allows 10 s to 10 min. */
  leaseDeadline: duration('10s', '10m').default(60_000),
  /** Attempts an item has while its failures are transient. */
  attempts: z.int().min(1).max(100).default(5),
  /** Deaths after which an item is quarantined. Five, for losing a node is a death too. */
  maxDeaths: z
    .int()
    .min(deathsToWorkAlone + 1)
    .max(50)
    .default(5),
  /** Time limit of one attempt. */
  itemTimeout: duration('1s', '10h').default(3_600_000),
  maxItemSize: size.default(10 * 1024 ** 3),
  /** A downloader without work exits after this; longer than lease and retry delay together. */
  idleExit: duration('10s', '1h').default(300_000),
  /** The run's own limit, from its start. */
  timeLimit: duration('1s', '365d').optional(),
  /** Items a minute for the whole fleet. */
  rateLimit: z.number().min(rateLimits.min).max(rateLimits.max).optional(),
  tolerateFailures: tolerated.optional(),
  /** How long a key that was found gone is not tried again; "0": it is. */
  goneFor: z
    .string()
    .transform((text) => (text.trim() === '0' ? '0s' : text))
    .pipe(duration('0s', formatDuration(longestGoneForMs)))
    .default(usualGoneForMs),
  /** Who is told of the run's end. */
  notify: z
    .string()
    .regex(noticePlace, {
      error:
        'is no place to tell of the end — write it like "projects/my-project/topics/my-topic" or "https://…"',
    })
    .optional(),
});

/** Defaults are filled in and units stand in the names. */
const runSpecSchema = fields.transform(
  ({ leaseDeadline, itemTimeout, maxItemSize, idleExit, timeLimit, goneFor, ...rest }) => ({
    ...rest,
    leaseDeadlineMs: leaseDeadline,
    itemTimeoutMs: itemTimeout,
    maxItemSizeBytes: maxItemSize,
    idleExitMs: idleExit,
    timeLimitMs: timeLimit,
    goneForMs: goneFor,
  }),
);

/** A run's input after parsing: defaults filled in, durations in ms, sizes in bytes. */
export type RunSpec = z.infer<typeof runSpecSchema>;
/** What a user may write. */
export type RunSpecInput = z.input<typeof runSpecSchema>;

export type ParsedRunSpec =
  | { readonly kind: 'valid'; readonly spec: RunSpec }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** Names a user may write, for `--help`, the schema's documentation and the hint at a misspelt one. */
export const runSpecFields = Object.keys(fields.shape);

/** Parses hand-typed input and reports all problems at once, each with its field. Never throws. */
export function parseRunSpec(input: unknown): ParsedRunSpec {
  const result = runSpecSchema.safeParse(input, { reportInput: true });
  if (result.success) return { kind: 'valid', spec: result.data };
  return { kind: 'invalid', problems: problemsIn(result.error.issues, input, runSpecFields) };
}
