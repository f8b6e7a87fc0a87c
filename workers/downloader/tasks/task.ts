import type { Item } from '../../../domain/item.ts';
import type { SideFiles } from '../../../domain/side-files.ts';

/** What is known of an object in the destination. */
export type ObjectFigures = {
  /** Its name; null for a command that makes no file. */
  readonly object: string | null;
  readonly sizeBytes: number;
  /** Base64, as Cloud Storage writes it. */
  readonly crc32c: string | null;
  /** What belongs to it; missing where nothing does. */
  readonly sideFiles?: SideFiles;
};

/** The item's object is in the bucket: made by this run for this item, or there already. */
export type Settled = { readonly kind: 'stored' | 'skipped' } & ObjectFigures;

/** How one attempt at an item ended: the taxonomy of the design. */
export type AttemptEnding =
  | Settled
  /** It will fail the same way whenever it is tried. */
  | { readonly kind: 'permanent'; readonly error: string }
  /** It may pass by itself. */
  | { readonly kind: 'transient'; readonly error: string }
  /** The origin asks for patience; not the item's fault, so it costs no attempt. */
  | { readonly kind: 'throttled'; readonly error: string; readonly retryAfterMs: number | null }
  /** The site does not know the account of our cookies any more: no item can be had until they are renewed. */
  | { readonly kind: 'signed-out'; readonly error: string }
  /** The attempt was told to stop: its signal is aborted. */
  | { readonly kind: 'interrupted' };

/** Takes something down that the item's story should tell, though it is no ending. */
export type Note = (reason: string) => void;

/** The body of the loop. */
export type Task = {
  /** Does the item once and stores what comes of it. Leaves nothing behind but objects, whatever the ending. */
  attempt(item: Item, signal: AbortSignal, note: Note): Promise<AttemptEnding>;
};
