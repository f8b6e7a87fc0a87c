import { hash } from 'node:crypto';

/** Where a million objects are. */
export const prefix = 'stored/';

/** The n-th id: eleven characters as YouTube's, in no order. */
export function idOf(at: number): string {
  return hash('sha256', String(at), 'base64url').slice(0, 11);
}

/** The object that the n-th id was stored as. */
export function nameOf(at: number): string {
  return `${prefix}${idOf(at)}.mp4`;
}
