import { encodeKey, maxObjectNameBytes } from './object-name.ts';

/** A line, and so a key, is at most this long in UTF-8: an object name ends there anyway. */
export const maxLineBytes = 1_024;

/** What one line of a list is. */
export type ListLine =
  | { readonly kind: 'blank' }
  | { readonly kind: 'key'; readonly key: string }
  /** It can be no item; the text says why, for a message that names the line. */
  | { readonly kind: 'problem'; readonly problem: string };

/** `fatal`: a wrong byte must not become U+FFFD and so another key. `ignoreBOM`: its default would hide one. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Reads one line, given without its line feed. A carriage return before that, a BOM and surrounding space do not count. */
export function decodeListLine(line: Uint8Array): ListLine {
  if (line.length > maxLineBytes) return tooLong;
  let text: string;
  try {
    text = utf8.decode(line);
  } catch {
    return { kind: 'problem', problem: 'not valid UTF-8' };
  }
  return readListLine(text);
}

/** Reads one line that is text already, such as an entry of an inline list. */
export function readListLine(line: string): ListLine {
  // JavaScript's white space includes U+FEFF, the byte order mark.
  const key = line.trim();
  if (key === '') return { kind: 'blank' };
  if (!key.isWellFormed()) return { kind: 'problem', problem: 'not valid Unicode' };
  if (byteLength(key) > maxLineBytes) return tooLong;
  const control = /\p{Cc}/u.exec(key)?.[0];
  if (control !== undefined) {
    return { kind: 'problem', problem: `holds the control character ${codePoint(control)}` };
  }
  return { kind: 'key', key };
}

/** What the bucket allows; a storage server that keeps objects as files allows less. */
export type NameLimits = {
  readonly prefix: string;
  readonly extension: string;
  /** What the longest name of a side file has behind the key, with its dot; absent where there are none. */
  readonly sideSuffixBytes?: number | undefined;
  /** Longest component between slashes, in bytes; absent on Cloud Storage. */
  readonly maxComponentBytes?: number | undefined;
};

/**
 * Makes the check whether a key's object name fits the bucket.
 * @returns the problem in words, or null when it fits.
 */
export function nameCheck(limits: NameLimits): (key: string) => string | null {
  const { prefix, extension, sideSuffixBytes = 0, maxComponentBytes } = limits;
  const start = prefix.lastIndexOf('/') + 1;
  const parentBytes = byteLength(prefix.slice(0, start));
  // A prefix that does not end in "/" is part of the last component.
  const fixedBytes =
    byteLength(prefix.slice(start)) +
    Math.max(extension === '' ? 0 : extension.length + 1, sideSuffixBytes);
  return (key) => {
    // An encoded key is ASCII: its length is its bytes.
    const lastBytes = fixedBytes + encodeKey(key).length;
    if (parentBytes + lastBytes > maxObjectNameBytes) {
      return `its object name would have ${parentBytes + lastBytes} bytes, more than the ${maxObjectNameBytes} that Cloud Storage allows`;
    }
    if (maxComponentBytes !== undefined && lastBytes > maxComponentBytes) {
      return `its file name would have ${lastBytes} bytes, more than the ${maxComponentBytes} that this storage server allows`;
    }
    return null;
  };
}

const tooLong: ListLine = { kind: 'problem', problem: `longer than ${maxLineBytes} bytes` };

function byteLength(text: string): number {
  // UTF-16 to UTF-8 is at most threefold: most keys are short enough not to be encoded for this.
  return text.length * 3 <= maxLineBytes && isAscii(text)
    ? text.length
    : encoder.encode(text).length;
}

function isAscii(text: string): boolean {
  return /^\p{ASCII}*$/u.test(text);
}

function codePoint(character: string): string {
  return `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0') ?? ''}`;
}
