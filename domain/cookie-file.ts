/** A cookie file as browsers' extensions export it and yt-dlp reads it, looked at before a site is asked with it. */
export type CookieFile =
  | { readonly kind: 'cookies'; readonly values: readonly string[] }
  /** Says what is wrong and where, and nothing of what stands there. */
  | { readonly kind: 'wrong'; readonly problem: string };

/** Python's cookie jar, which yt-dlp's is made of, wants one of them in the first line. */
const firstLine = /^#( Netscape)? HTTP Cookie File/;

/** Domain, whether subdomains too, path, whether https only, when it expires, name, value. */
const fieldsPerLine = 7;
const expiresField = 4;
const valueField = 6;

/** How such a file marks a cookie that scripts may not read; any other line with "#" is a comment. */
const httpOnly = '#HttpOnly_';

const hint = 'export it in Netscape format, as cookies.txt';

/** Finds what yt-dlp would stumble over, or drop with a warning that shows the line. */
export function parseCookieFile(text: string, nowMs: number): CookieFile {
  const wrong = (problem: string): CookieFile => ({ kind: 'wrong', problem });
  if (text.trim() === '') return wrong(`it is empty — ${hint}`);
  if (/^\s*[[{"]/.test(text)) return wrong(`it is JSON — ${hint}`);
  if (!firstLine.test(text)) {
    return wrong(`its first line is not "# Netscape HTTP Cookie File" — ${hint}`);
  }
  const cookies: { expires: number; value: string }[] = [];
  for (const [at, whole] of text.split(/\r?\n/).entries()) {
    const line = whole.startsWith(httpOnly) ? whole.slice(httpOnly.length) : whole;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const fields = line.split('\t');
    if (fields.length !== fieldsPerLine) {
      return wrong(
        `line ${at + 1} has ${fields.length} fields between tabs instead of ${fieldsPerLine} — ${hint}`,
      );
    }
    const expires = fields[expiresField] ?? '';
    if (!/^(\d+(\.\d+)?)?$/.test(expires)) {
      return wrong(`line ${at + 1} has no time of expiry in its fifth field — ${hint}`);
    }
    cookies.push({ expires: Number(expires), value: fields[valueField] ?? '' });
  }
  if (cookies.length === 0) return wrong(`it holds no cookie — ${hint}`);
  // 0 is a cookie of a session, whose end only the site knows.
  if (cookies.every(({ expires }) => expires > 0 && expires * 1_000 < nowMs)) {
    return wrong('all of its cookies have expired — sign in again and export them anew');
  }
  return { kind: 'cookies', values: cookies.map(({ value }) => value) };
}
