/** What yt-dlp's standard error means for the attempt. */
export type YtDlpVerdict = {
  readonly kind: 'permanent' | 'transient' | 'throttled' | 'signed-out';
  /** yt-dlp's own words, in one line. */
  readonly error: string;
  /** How long the site asked to be left alone, where yt-dlp tells; for `throttled` only. */
  readonly retryAfterMs: number | null;
};

const secondMs = 1_000;
const unitsMs: Readonly<Record<string, number>> = {
  second: secondMs,
  minute: 60 * secondMs,
  hour: 3_600 * secondMs,
};

/**
 * yt-dlp gives back no header, but sites say it in words: "try again in 5 minutes", "rate-limited by YouTube for up to an hour",
 * "Retry-After: 30".
 */
const waitPattern =
  /\b(?:again (?:in|after)|wait(?: for)?|for (?:up to|the next)|for about) (an?|\d{1,6}) (second|minute|hour)s?\b/i;
const retryAfterPattern = /\bretry[- ]after:? (\d{1,6})\b/i;

/**
 * The origin asks for patience. YouTube's apostrophe is sometimes a typographic one, and its rate limit reads
 * "Video unavailable. This content isn't available, try again later", so these come before {@link permanentPatterns}.
 */
const throttledPatterns: readonly RegExp[] = [
  /HTTP Error 429/i,
  /too many requests/i,
  /confirm you.{0,3}re not a bot/i,
  /content isn.{0,3}t available,? try again later/i,
  /rate[- ]limited/i,
  /captcha/i,
];

/** The site does not have it, not for anybody. */
const gonePatterns: readonly RegExp[] = [
  /HTTP Error (404|410|451)\b/i,
  /private video|video is private|is private\b/i,
  /video unavailable|(video|content|media|recording) is (not|no longer) available|is unavailable\b/i,
  /(has been|was) (removed|deleted|taken down)|does not exist|doesn.{0,3}t exist|no longer exists/i,
  /account .{0,80}(terminated|closed|suspended)/i,
  /copyright (claim|grounds|infringement)|blocked it/i,
];

/** It needs an account, a country or a purchase that this fleet doesn't have; with others it may be had. */
const refusedPatterns: readonly RegExp[] = [
  /confirm your age|age[- ]restricted|inappropriate for some users/i,
  /not (made this video )?available (in|from) your (country|location|region)|geo.?restrict/i,
  /members[- ]only|join this channel|only available (for|to) registered users|premium (members|users|subscribers)/i,
  /requires payment|rental|purchase (this|to)/i,
];

/** It will be the same tomorrow, with what this fleet has. */
const permanentPatterns: readonly RegExp[] = [
  ...gonePatterns,
  ...refusedPatterns,
  /HTTP Error (400|401|405|406)\b/i,
  /drm protected/i,
  /unsupported url|is not a valid url|incomplete youtube id|invalid youtube id/i,
  /requested format is not available/i,
  /premieres in|live event will begin|live event has ended/i,
  /file is larger than max-filesize/i,
  /ffmpeg (is )?not (installed|found)|ffprobe (and|or) ffmpeg not found/i,
  /no such option|invalid .{0,40}specified|yt-dlp: error:/i,
];

/** The site does not know the account of our cookies any more: nothing it says of an item can be believed. yt-dlp 2026.8.19's words. */
const signedOutPatterns: readonly RegExp[] = [
  /account cookies are no longer valid/i,
  /cookies have been invalidated/i,
  /refresh (your )?cookies in (your )?browser|export fresh cookies/i,
  /fresh cookies .{0,40}are needed/i,
];

/** The site wants an account that may see the item: another one than ours, or ours again. */
const signInPatterns: readonly RegExp[] = [
  /sign in|log ?in\b|logged in|use --cookies/i,
  /HTTP Error 401\b/i,
  /members[- ]only|for members|join this channel|registered users|subscribers|subscription/i,
  /premium (members|users|subscribers)|confirm your age|age[- ]restricted/i,
];

/** The proxy, not the site, is in the way. */
const proxyPatterns: readonly RegExp[] = [
  /unable to connect to proxy|cannot connect to proxy|proxyerror/i,
  /tunnel connection failed|HTTP Error 407|socks/i,
];

/** What the site was asked with. */
export type AskedWith = { readonly hasCookies: boolean; readonly hasProxy: boolean };

const nothingElse: AskedWith = { hasCookies: false, hasProxy: false };

const errorLine = /^(ERROR:|yt-dlp: error:)/;

/** Longer texts are cut by the outcome anyway; this keeps the patterns' work bounded. */
const maxLineLength = 2_000;

/**
 * Reads a failed yt-dlp's standard error, which is all there is: its exit code is 1 for everything. The ERROR lines
 * decide; warnings only when these don't say why. What is unknown is transient: trying again costs a little, giving up
 * an item that could be had costs the item. With cookies, an item that wants an account is not gone for good: they may have
 * expired, and that is no fault of the item.
 */
export function judgeYtDlpErrors(stderr: string, asked: AskedWith = nothingElse): YtDlpVerdict {
  const lines = stderr.split('\n').map((line) => line.trim().slice(0, maxLineLength));
  const errors = lines.filter((line) => errorLine.test(line));
  const words = errors.at(-1) ?? lines.findLast((line) => line !== '') ?? '';
  const error = words === '' ? 'yt-dlp failed without a word' : withoutAdvice(words);
  const matches = (texts: readonly string[], patterns: readonly RegExp[]): boolean =>
    texts.map(withoutNames).some((text) => patterns.some((pattern) => pattern.test(text)));
  const throttled = { kind: 'throttled', error, retryAfterMs: retryAfterOf(lines) } as const;
  if (asked.hasCookies) {
    const signedOut = lines.find((line) => matches([line], signedOutPatterns));
    if (signedOut !== undefined) {
      const said = withoutAdvice(signedOut);
      return { kind: 'signed-out', error: `signed out by the site: ${said}`, retryAfterMs: null };
    }
  }
  if (asked.hasProxy && matches(errors, proxyPatterns)) {
    const said = `the proxy is down, or does not let us through: ${error}`;
    return { kind: 'transient', error: said, retryAfterMs: null };
  }
  if (matches(errors, throttledPatterns)) return throttled;
  if (asked.hasCookies && matches(errors, signInPatterns)) {
    const said = `${error} — the cookies may have expired, or their account may not see it`;
    return { kind: 'transient', error: said, retryAfterMs: null };
  }
  if (matches(errors, permanentPatterns)) return { kind: 'permanent', error, retryAfterMs: null };
  if (matches(lines, throttledPatterns)) return throttled;
  return { kind: 'transient', error, retryAfterMs: null };
}

/** What refuses some and not others, though it says of itself that it has nothing: "Video unavailable. … blocked it in your country". */
const perhapsElsewhere = /\b(in|from) your (country|location|region)|cookies/i;

/** Whether a permanent error's text, as {@link judgeYtDlpErrors} gave it, says that the site does not have the item any more. */
export function isGoneForYtDlp(error: string): boolean {
  const text = withoutNames(`ERROR: ${error}`);
  const isSome = (patterns: readonly RegExp[]) => patterns.some((pattern) => pattern.test(text));
  return isSome(gonePatterns) && !isSome([...refusedPatterns, perhapsElsewhere]);
}

/** The longest time that any line names; null when none does. */
function retryAfterOf(lines: readonly string[]): number | null {
  const named = lines.map(withoutNames).flatMap((line) => {
    const [, count = '', unit = ''] = waitPattern.exec(line) ?? [];
    const [, seconds] = retryAfterPattern.exec(line) ?? [];
    const waitMs = (Number.parseInt(count, 10) || 1) * (unitsMs[unit.toLowerCase()] ?? 0);
    return [waitMs, Number(seconds ?? 0) * secondMs].filter((ms) => ms > 0);
  });
  return named.length === 0 ? null : Math.max(...named);
}

/**
 * Addresses and the id after the extractor's name are a list's words, not the site's: `[generic] captcha: …` asks for no
 * patience. An id may hold spaces, for yt-dlp takes it decoded from the address; it ends at the first colon with a space.
 */
function withoutNames(text: string): string {
  return text.replaceAll(/\bhttps?:\/\/\S+/gi, '').replace(/^(\w+: \[[^\]]*\]) .*?: /, '$1 ');
}

/** yt-dlp ends many errors with where to report them; in a list of ten thousand failures that is noise. */
function withoutAdvice(text: string): string {
  return text
    .replace(/^(ERROR|WARNING):\s*/, '')
    .replace(/[;.]? please report this issue on .*$/i, '')
    .replace(/\. Use --cookies.*$/i, '')
    .replace(/\. For tips on how to .*$/i, '')
    .trim();
}
