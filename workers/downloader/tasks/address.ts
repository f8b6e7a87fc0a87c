import { keyPlaceholder } from '../../../domain/task.ts';

export type Address =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'invalid'; readonly error: string };

/**
 * The address of an item. A template that is nothing but `{key}` makes the key the address; in any other the key is
 * percent-encoded, so that it stays one component: it can't add a path, a query or a host of its own (I9).
 */
export function addressOf(template: string, key: string): Address {
  if (template === keyPlaceholder) {
    return isWebAddress(key)
      ? { kind: 'url', url: key }
      : { kind: 'invalid', error: 'the key is not an http(s) address' };
  }
  // URL parsers resolve these even when they are percent-encoded.
  if (/^\.{1,2}$/.test(key)) {
    return { kind: 'invalid', error: 'the key "." or ".." would change the address\'s path' };
  }
  const url = fill(template, key);
  return url !== null && isWebAddress(url)
    ? { kind: 'url', url }
    : { kind: 'invalid', error: 'the template filled with the key is not an http(s) address' };
}

function fill(template: string, key: string): string | null {
  try {
    const encoded = encodeURIComponent(key);
    return template.replaceAll(keyPlaceholder, () => encoded);
  } catch {
    // A lone surrogate has no UTF-8.
    return null;
  }
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}
