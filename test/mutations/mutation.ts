import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The promises of docs/architecture.md. */
export const promises = Array.from({ length: 11 }, (_, at) => `I${at + 1}`);

/** The repository's root. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

const folder = join(root, 'test', 'mutations');

/** A patch that breaks a promise, and the test that must notice. */
export type Mutation = {
  /** The file's name without `.patch`: `I1-acks-first`. */
  readonly name: string;
  /** Absolute path of the patch. */
  readonly patch: string;
  /** Which of {@link promises} it breaks. */
  readonly promise: string;
  /** How, in a sentence. */
  readonly breaks: string;
  /** Path of the test's file from the root. */
  readonly file: string;
  /** The test's own name, exactly. */
  readonly test: string;
};

/** All mutations in the order of their promises. */
export function readMutations(): Mutation[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.patch'))
    .map((file) => parseMutation(join(folder, file), readFileSync(join(folder, file), 'utf8')))
    .toSorted((a, b) => numberOf(a) - numberOf(b) || a.name.localeCompare(b.name));
}

/** @throws Error that names the line which the header lacks. */
export function parseMutation(patch: string, text: string): Mutation {
  const header = text.split(/^diff --git /m, 1)[0] ?? '';
  const name = basename(patch, '.patch');
  const line = (label: string): string => {
    const value = new RegExp(`^${label}: (.+)$`, 'm').exec(header)?.[1];
    if (value !== undefined) return value;
    throw new Error(`read ${name}.patch: no line "${label}: …" above the diff — write it`);
  };
  return {
    name,
    patch,
    promise: line('Promise'),
    breaks: line('Breaks'),
    file: line('File'),
    test: line('Test'),
  };
}

function numberOf({ promise }: Mutation): number {
  return Number(promise.slice(1));
}
