import type { SideFileKind } from '../../../domain/side-files.ts';
import { defaultSubtitleLanguages } from '../../../domain/task.ts';
import type { Task as TaskSpec } from '../../../domain/task.ts';

export type YtDlpSpec = Extract<TaskSpec, { kind: 'yt-dlp' }>;

/** The staged file is called this whatever the key is: no key ever becomes a file name. */
export const stagedName = 'media';

/** Attempts are the downloader's business; these bridge only a hiccup in the middle of a large file. */
const ownRetries = 2;

/** A connection that says nothing for so long is dead. */
const socketTimeoutSeconds = 30;

/** Containers that yt-dlp can merge into, by its own help text; it refuses any other. */
const mergeable: readonly string[] = ['avi', 'flv', 'mkv', 'mov', 'mp4', 'webm'];

/** Containers that it can change a file into without encoding it anew. */
const remuxable: readonly string[] = [
  ...mergeable,
  'gif',
  'aac',
  'aiff',
  'alac',
  'flac',
  'm4a',
  'mka',
  'mp3',
  'ogg',
  'opus',
  'vorbis',
  'wav',
];

/** The run's options come first, so that they can't undo ours; `--` keeps the address from being an option (I9). */
export function argumentsOf(spec: YtDlpSpec, url: string, cookiesPath?: string): string[] {
  const extension = spec.extension.toLowerCase();
  return [
    ...spec.options,
    '--no-config',
    '--no-update',
    '--no-playlist',
    '--no-cache-dir',
    '--no-mtime',
    '--no-continue',
    '--quiet',
    // Lines that nobody reads, but an orphan meets a closed pipe at its next one and ends.
    '--progress',
    '--newline',
    '--progress-delta',
    '1',
    '--color',
    'never',
    '--retries',
    String(ownRetries),
    '--fragment-retries',
    String(ownRetries),
    '--socket-timeout',
    String(socketTimeoutSeconds),
    // YouTube needs a JavaScript runtime, and we run on one that is new enough.
    '--js-runtimes',
    `node:${process.execPath}`,
    '--format',
    spec.format,
    // The object's extension has to be true (I2). A file that is in this container already needs no ffmpeg.
    ...(mergeable.includes(extension) ? ['--merge-output-format', extension] : []),
    ...(remuxable.includes(extension) ? ['--remux-video', extension] : []),
    ...sideArguments(spec),
    ...(cookiesPath === undefined ? [] : ['--cookies', cookiesPath]),
    '--output',
    `${stagedName}.%(ext)s`,
    '--',
    url,
  ];
}

function sideArguments({ sideFiles = [], subtitleLanguages }: YtDlpSpec): string[] {
  const options = sideFiles.map((kind) => sideOptions[kind]);
  if (options.length === 0) return [];
  // The chat of a live stream counts as subtitles and grows as long as that goes on.
  const languages = [...(subtitleLanguages ?? defaultSubtitleLanguages), '-live_chat'];
  return [
    ...options,
    '--no-write-playlist-metafiles',
    '--sub-langs',
    languages.join(','),
    // Subtitles that cannot be had are a warning then. What goes wrong with the video itself still ends in exit code 1.
    '--ignore-errors',
  ];
}

const sideOptions: Readonly<Record<SideFileKind, string>> = {
  info: '--write-info-json',
  subtitles: '--write-subs',
  'automatic-subtitles': '--write-auto-subs',
  thumbnail: '--write-thumbnail',
};
