import { z } from 'zod';
import { encodeKey } from './object-name.ts';

/**
 * Side files: what belongs to an item beside its object, such as its description and subtitles. Each has the item's name with
 * a suffix for the extension: `KEY.info.json`, `KEY.en.vtt`, `KEY.webp`. See docs/decisions/0011-side-files.md.
 */
export const sideFileKinds = ['info', 'subtitles', 'automatic-subtitles', 'thumbnail'] as const;

/** What a run may ask for. */
export type SideFileKind = (typeof sideFileKinds)[number];

/** Extensions of pictures, which stand right behind the key … */
const pictureExtensions: readonly string[] = ['jpg', 'jpeg', 'png', 'webp', 'avif', 'gif'];

/** … and of texts, which stand behind a language, or behind "info". No extension is both: so no two keys' side files meet. */
const textExtensions: readonly string[] = [
  'ass',
  'dfxp',
  'json',
  'json3',
  'lrc',
  'sami',
  'sbv',
  'scc',
  'srt',
  'srv1',
  'srv2',
  'srv3',
  'ssa',
  'tt',
  'ttml',
  'vtt',
  'xml',
];

/** An item's object may not have one of them where side files are kept: it could be another key's side file. */
export function isSideExtension(extension: string): boolean {
  return isPicture(extension) || isText(extension);
}

/** The longest suffix with its dot; a longer one is no language's. */
export const maxSuffixBytes = 48;

/** Side files of one item. Their list stands in the object's metadata, of which Cloud Storage takes 8 KiB. */
export const mostSideFiles = 100;

/** Sizes in bytes by suffix. */
export const sideFilesSchema = z.record(z.string(), z.int().nonnegative());
export type SideFiles = Readonly<z.infer<typeof sideFilesSchema>>;

export const infoSuffix = 'info.json';

/**
 * The suffix of a file that lies staged as `media.REST`; null when that is no side file. A language comes from the site: it is
 * percent-encoded, its dots too, so that `A.B` in German is not `A` in "B.de".
 */
export function sideSuffixOf(rest: string): string | null {
  const [, language, extension = ''] = /^(?:(.+)\.)?([A-Za-z0-9]+)$/.exec(rest) ?? [];
  const isSideFile = language === undefined ? isPicture(extension) : isText(extension);
  if (!isSideFile) return null;
  const suffix =
    language === undefined
      ? extension
      : `${encodeKey(language).replaceAll('.', '%2E')}.${extension}`;
  return suffix.length < maxSuffixBytes ? suffix : null;
}

/** The object name of an item's side file. */
export function sideObjectName(prefix: string, key: string, suffix: string): string {
  return `${prefix}${encodeKey(key)}.${suffix}`;
}

/** The object whose side file a name would be, where objects have this extension; null when it can be nobody's. */
export function objectOfSide(name: string, extension: string): string | null {
  const [, stem, language, last = ''] = /^(.+?)(?:\.([^./]+))?\.([A-Za-z0-9]+)$/s.exec(name) ?? [];
  if (stem === undefined) return null;
  if (isPicture(last)) {
    return `${language === undefined ? stem : `${stem}.${language}`}.${extension}`;
  }
  return isText(last) && language !== undefined ? `${stem}.${extension}` : null;
}

function isPicture(extension: string): boolean {
  return pictureExtensions.includes(extension.toLowerCase());
}

function isText(extension: string): boolean {
  return textExtensions.includes(extension.toLowerCase());
}
