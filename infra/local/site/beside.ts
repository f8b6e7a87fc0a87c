/** What a video of the site has beside it, by its name: subtitles and a poster. */
const files: Readonly<
  Record<string, { readonly type: string; readonly content: string | Buffer }>
> = {
  'en.vtt': { type: 'text/vtt', content: subtitles('Nothing happens.') },
  'de.vtt': { type: 'text/vtt', content: subtitles('Nichts geschieht.') },
  'poster.png': { type: 'image/png', content: poster() },
  /** Of a name that no picture should have. */
  'poster.php': { type: 'image/png', content: poster() },
};

/** The path of a file beside a video. */
export function besidePath(id: string, name: string): string {
  return `/beside/${encodeURIComponent(id)}/${name}`;
}

/** Which file of which video a path names; null when it names none. */
export function parseBesidePath(path: string): { id: string; name: string } | null {
  const [, encoded, name] = /^\/beside\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (encoded === undefined || name === undefined) return null;
  try {
    return { id: decodeURIComponent(encoded), name };
  } catch {
    return null;
  }
}

/** The file; undefined when there is none of that name. */
export function fileBeside(name: string): { type: string; content: string | Buffer } | undefined {
  return Object.hasOwn(files, name) ? files[name] : undefined;
}

function subtitles(text: string): string {
  return `WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n${text}\n`;
}

/** One grey pixel. */
function poster(): Buffer {
  return Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
    'base64',
  );
}
