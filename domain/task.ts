import { z } from 'zod';
import { isSideExtension, sideFileKinds } from './side-files.ts';

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
 * nor read or write a file. `--extractor-args` can name another host to ask, as the run's `url` can.
 */
const allowedYtDlpOptions = {
  flags: ['--no-playlist', '--geo-bypass'],
  /** Always with "=": an option that lacks its value would take the next argument for it, which is one of ours. */
  withValue: [
    '--age-limit',
    '--format-sort',
    '--match-filters',
    '--extractor-args',
    '--limit-rate',
    '--throttled-rate',
    '--sleep-requests',
    '--use-extractors',
  ],
};

const ytDlpOption = z.string().refine(
  (text) => {
    const { flags, withValue } = allowedYtDlpOptions;
    return flags.includes(text) || withValue.some((name) => text.startsWith(`${name}=`));
  },
  {
    error: `is not an allowed option — allowed are ${[
      ...allowedYtDlpOptions.flags,
      ...allowedYtDlpOptions.withValue.map((name) => `${name}=…`),
    ].join(', ')}`,
  },
);

/** Regular expressions would be the downloader's to run, for each item: an ending ".*" is all that languages need. */
const subtitleLanguage = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,30}(\.\*)?$/, {
  error: 'is no language of subtitles — write it like "en", "en.*" or "all"',
});

/** What a run without `subtitleLanguages` takes, where there are several. */
export const defaultSubtitleLanguages: readonly string[] = ['en.*'];

const ytDlpTask = z
  .strictObject({
    kind: z.literal('yt-dlp'),
    url: urlTemplate.default('https://www.youtube.com/watch?v={key}'),
    format: z.string().min(1).default('bestvideo[ext=mp4]+bestaudio[ext=m4a]/best[ext=mp4]/best'),
    extension: extension.min(1).default('mp4'),
    options: z.array(ytDlpOption).max(20).default([]),
    /** What is stored beside the item's object; nothing when missing. */
    sideFiles: z.array(z.enum(sideFileKinds)).max(sideFileKinds.length).optional(),
    /** {@link defaultSubtitleLanguages} when missing. */
    subtitleLanguages: z.array(subtitleLanguage).min(1).max(50).optional(),
  })
  .refine(({ sideFiles = [], extension: of }) => sideFiles.length === 0 || !isSideExtension(of), {
    path: ['extension'],
    error: "is one of side files — give the extension of the item's own file, such as mp4",
  })
  .refine(
    ({ sideFiles = [], subtitleLanguages }) =>
      subtitleLanguages === undefined ||
      sideFiles.some((kind) => kind === 'subtitles' || kind === 'automatic-subtitles'),
    {
      path: ['subtitleLanguages'],
      error: 'chooses among subtitles that are not asked for — put "subtitles" into "sideFiles"',
    },
  );

export const taskSchema = z.discriminatedUnion('kind', [
  ytDlpTask,
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

/** Whether anything is to be stored beside the items' objects. */
export function hasSideFiles(task: Task): boolean {
  return task.kind === 'yt-dlp' && (task.sideFiles ?? []).length > 0;
}
