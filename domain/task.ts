import { z } from 'zod';

/** Where a task's template names the item. */
export const keyPlaceholder = '{key}';

const template = z.string().refine((text) => text.includes(keyPlaceholder), {
  error: 'has no {key} — every item would get the same address',
});

const urlTemplate = template.refine((text) => /^(https?:\/\/|\{key\})/.test(text), {
  error:
    'is not an http(s) address — start it with https://, or with {key} where the items are URLs',
});

const extension = z
  .string()
  .regex(/^[A-Za-z0-9]{0,16}$/, { error: 'is not a file extension — letters and digits, no dot' });

/**
 * Options of yt-dlp that a run may set (I10): they choose what is downloaded, and can neither run a program,
 * nor read or write a file, nor reach another address.
 */
export const allowedYtDlpOptions = [
  '--age-limit',
  '--format-sort',
  '--match-filters',
  '--no-playlist',
  '--extractor-args',
  '--geo-bypass',
  '--limit-rate',
  '--throttled-rate',
  '--sleep-requests',
  '--use-extractors',
] as const;

const ytDlpOption = z.string().superRefine((text, context) => {
  const name = text.split('=', 1)[0] ?? '';
  if (!(allowedYtDlpOptions as readonly string[]).includes(name)) {
    context.addIssue({
      code: 'custom',
      message: `is not an allowed option — allowed are ${allowedYtDlpOptions.join(', ')}, each as --name or --name=value`,
    });
  }
});

export const taskSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('yt-dlp'),
    url: urlTemplate.default('https://www.youtube.com/watch?v={key}'),
    format: z.string().min(1).default('bestvideo[ext=mp4]+bestaudio[ext=m4a]/best[ext=mp4]/best'),
    extension: extension.min(1).default('mp4'),
    options: z.array(ytDlpOption).max(20).default([]),
  }),
  z.strictObject({
    kind: z.literal('http'),
    url: urlTemplate.default(keyPlaceholder),
    extension: extension.default(''),
  }),
  z.strictObject({
    kind: z.literal('command'),
    /** A name from the downloader's own configuration, never a program (I10). */
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
      error: 'is not a command name — lower-case letters, digits and "-"',
    }),
    extension: extension.default(''),
  }),
]);

/** The body of the loop: what is done for one item. */
export type Task = z.infer<typeof taskSchema>;

/** The fields of each task by its kind, for the hint at a misspelt one. */
export const taskFields: ReadonlyMap<string, readonly string[]> = new Map(
  taskSchema.options.map((option) => [option.shape.kind.value, Object.keys(option.shape)]),
);
