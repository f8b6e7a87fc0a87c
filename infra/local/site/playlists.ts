import { z } from 'zod';
import { escapeHtml } from './watch-page.ts';

const schema = z.strictObject({ name: z.string().min(1), ids: z.array(z.string().min(1)) });

/** What a playlist is to hold from now on, as `POST /playlists` takes it. */
export type Playlist = z.infer<typeof schema>;

/** Parses what was posted; throws an error that names every wrong field. */
export function parsePlaylist(text: string): Playlist {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error('playlist: not what is wanted — send {"name": "…", "ids": ["…"]}', { cause });
  }
}

/** The page of a playlist: a feed, which is what yt-dlp lists without knowing the site. */
export function playlistPage({ name, ids }: Playlist, origin: string): string {
  const items = ids.map((id) => {
    const link = escapeHtml(`${origin}/watch?v=${encodeURIComponent(id)}`);
    return `<item><title>${escapeHtml(`Sample video ${id}`)}</title><link>${link}</link></item>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>${escapeHtml(name)}</title>
${items.join('\n')}
</channel></rss>
`;
}
