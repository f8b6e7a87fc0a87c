import { keyPlaceholder } from './task.ts';
import type { Task } from './task.ts';

/** Before the address of a page it says: not a list itself, but what yt-dlp lists there. */
const ytDlpMark = 'yt-dlp+';

/** Of what yt-dlp lists, that which becomes a key. */
export type ListedAs = 'id' | 'url';

/** The page that yt-dlp is to list; null when the address is that of a list. */
export function listedPage(items: string): string | null {
  return items.startsWith(ytDlpMark) ? items.slice(ytDlpMark.length) : null;
}

/** How a person writes that yt-dlp is to list a page. */
export function asListedPage(page: string): string {
  return `${ytDlpMark}${page}`;
}

/** A task whose address is the key itself needs addresses; any other puts an id into its own. */
export function listedAs(task: Task): ListedAs {
  return 'url' in task && task.url === keyPlaceholder ? 'url' : 'id';
}
