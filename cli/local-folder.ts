import { fileURLToPath } from 'node:url';
import { pathOf } from './list-file.ts';

/** Where `npm run local` has its files, too. */
const usualFolder = fileURLToPath(new URL('../.spotloop', import.meta.url));

/** The folder of a local stack, as it was typed or the usual one. */
export function localFolder(typed: string | undefined): string {
  return typed === undefined ? usualFolder : pathOf(typed);
}
