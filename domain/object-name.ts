/** Cloud Storage's limit on an object name in UTF-8 bytes: cloud.google.com/storage/docs/objects#naming */
export const maxObjectNameBytes = 1024;

/**
 * The object name's last component: the key, percent-encoded (RFC 3986: letters, digits and `-_.~` stay,
 * every other UTF-8 byte becomes `%XX`), with the extension behind. Reversible, so two keys never share
 * a name; free of `/`, so no key leaves the prefix (I9); never `.` or `..`.
 */
export function encodeKey(key: string): string {
  const encoded = encodeURIComponent(key).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return /^\.+$/.test(encoded) ? encoded.replaceAll('.', '%2E') : encoded;
}

/** The key that {@link encodeKey} was given. */
export function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded);
}

/** The object name of a key: a pure function of key and run spec (I2). `extension` is without its dot, or ''. */
export function objectName(prefix: string, key: string, extension: string): string {
  return `${prefix}${encodeKey(key)}${extension === '' ? '' : `.${extension}`}`;
}
