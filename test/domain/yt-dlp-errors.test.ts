import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isGoneForYtDlp, judgeYtDlpErrors } from '../../domain/yt-dlp-errors.ts';
import { foreignText } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';

/** What yt-dlp 2026.8.19 and its users' bug reports show on standard error, by what it means. */
const table: Record<'permanent' | 'transient' | 'throttled', readonly string[]> = {
  permanent: [
    "ERROR: [youtube] abc: Private video. Sign in if you've been granted access to this video",
    'ERROR: [youtube] abc: Video unavailable',
    'ERROR: [youtube] abc: Video unavailable. This video is no longer available because the YouTube account associated with this video has been terminated.',
    'ERROR: [youtube] abc: Video unavailable. This video contains content from X, who has blocked it on copyright grounds',
    'ERROR: [youtube] abc: This video has been removed by the uploader',
    "ERROR: [youtube] abc: This video has been removed for violating YouTube's Terms of Service",
    'ERROR: [youtube] abc: Sign in to confirm your age. This video may be inappropriate for some users. Use --cookies-from-browser or --cookies for the authentication.',
    'ERROR: [youtube] abc: The uploader has not made this video available in your country',
    'ERROR: [youtube] abc: Join this channel to get access to members-only content like this video, and other exclusive perks.',
    'ERROR: [youtube] abc: This video is only available to Music Premium members',
    'ERROR: [youtube] abc: This live event will begin in 3 days.',
    'ERROR: [youtube] abc: Premieres in 2 hours',
    'ERROR: [youtube:truncated_id] ab: Incomplete YouTube ID ab. URL https://www.youtube.com/watch?v=ab looks truncated.',
    'ERROR: [generic] x: Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)',
    'ERROR: [generic] x: Unable to download webpage: HTTP Error 410: Gone (caused by <HTTPError 410: Gone>)',
    'ERROR: unable to download video data: HTTP Error 404: Not Found',
    'ERROR: [youtube] abc: Requested format is not available. Use --list-formats for a list of available formats',
    'ERROR: Unsupported URL: http://127.0.0.1/x',
    'ERROR: Unsupported URL: https://example.org/captcha',
    'ERROR: [generic] rate-limited: Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)',
    'ERROR: [generic] too many requests: Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)',
    'ERROR: [vimeo] 1: This video is DRM protected',
    'ERROR: You have requested merging of multiple formats but ffmpeg is not installed. Aborting due to --abort-on-error',
    'yt-dlp: error: no such option: --nonsense',
    'WARNING: [youtube] Unable to download webpage: HTTP Error 429: Too Many Requests\nERROR: [youtube] abc: Private video. Sign in',
  ],
  throttled: [
    'ERROR: [youtube] abc: Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the authentication.',
    "ERROR: [youtube] abc: Sign in to confirm you're not a bot. This helps protect our community. Learn more",
    "ERROR: [youtube] abc: Video unavailable. This content isn't available, try again later. The current session has been rate-limited by YouTube for up to an hour.",
    'ERROR: [generic] x: Unable to download webpage: HTTP Error 429: Too Many Requests (caused by <HTTPError 429: Too Many Requests>)',
    'ERROR: unable to download video data: HTTP Error 429: Too Many Requests',
    'WARNING: [youtube] Unable to download webpage: HTTP Error 429: Too Many Requests\nERROR: [youtube] abc: Failed to extract any player response',
  ],
  transient: [
    'ERROR: unable to download video data: HTTP Error 403: Forbidden',
    'ERROR: [generic] x: Unable to download webpage: HTTP Error 500: Internal Server Error (caused by <HTTPError 500: Internal Server Error>)',
    'ERROR: [generic] x: Unable to download webpage: HTTP Error 503: Service Unavailable',
    "ERROR: [generic] x: Unable to download webpage: [Errno 111] Connection refused (caused by TransportError('…'))",
    'ERROR: [generic] x: Unable to download webpage: The read operation timed out',
    'ERROR: content too short (expected 500 bytes and served 20)',
    'ERROR: \r[download] Got error: 10000 bytes read, 20000 more expected. Giving up after 2 retries',
    'ERROR: [youtube] abc: Unable to extract yt initial data; please report this issue on https://github.com/yt-dlp/yt-dlp/issues?q= , filling out the appropriate issue template.',
    'Traceback (most recent call last):\nMemoryError',
    '',
  ],
};

describe('judgeYtDlpErrors', () => {
  for (const [kind, texts] of Object.entries(table)) {
    for (const text of texts) {
      it(`takes for ${kind}: ${JSON.stringify(text.slice(0, 90))}`, () => {
        assert.equal(judgeYtDlpErrors(text).kind, kind);
      });
    }
  }

  /** yt-dlp 2026.8.19 with a file of cookies. */
  const withCookies: Record<
    'signed-out' | 'transient' | 'permanent' | 'throttled',
    readonly string[]
  > = {
    'signed-out': [
      'WARNING: [youtube] The provided YouTube account cookies are no longer valid. They have likely been rotated in the browser as a security measure. For tips on how to effectively export YouTube cookies, refer to  https://github.com/yt-dlp/yt-dlp/wiki/Extractors#exporting-youtube-cookies .\nERROR: [youtube] abc: Private video. Sign in if you have been granted access to this video. Use --cookies-from-browser or --cookies for the authentication.',
      'WARNING: [youtube] The provided YouTube account cookies are no longer valid. They have likely been rotated\nERROR: [youtube] abc: Sign in to confirm you’re not a bot',
      'WARNING: [Instagram] The provided Instagram account cookies are no longer valid\nERROR: [Instagram] abc: HTTP Error 404: Not Found',
      'ERROR: [TikTok] abc: Fresh cookies (not necessarily logged in) are needed. Use --cookies-from-browser or --cookies for the authentication.',
      'ERROR: [WrestleUniverse] abc: Expired token. Refresh your cookies in browser and try again',
    ],
    transient: [
      "ERROR: [youtube] abc: Private video. Sign in if you've been granted access to this video. Use --cookies-from-browser or --cookies for the authentication.",
      'ERROR: [youtube] abc: Sign in to confirm your age. This video may be inappropriate for some users. Use --cookies-from-browser or --cookies for the authentication.',
      'ERROR: [youtube] abc: Join this channel to get access to members-only content like this video, and other exclusive perks.',
      'ERROR: [vimeo] abc: This video is only available for registered users. Use --cookies, --cookies-from-browser, --username and --password',
      'ERROR: [x] abc: Unable to download webpage: HTTP Error 401: Unauthorized',
    ],
    permanent: [
      'ERROR: [youtube] abc: Video unavailable',
      'ERROR: [youtube] abc: This video has been removed by the uploader',
      'ERROR: [generic] log in: Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)',
    ],
    throttled: [
      'ERROR: [youtube] abc: Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the authentication.',
    ],
  };
  for (const [kind, texts] of Object.entries(withCookies)) {
    for (const text of texts) {
      it(`with cookies takes for ${kind}: ${JSON.stringify(text.slice(0, 90))}`, () => {
        const asked = { hasCookies: true, hasProxy: false };
        assert.equal(judgeYtDlpErrors(text, asked).kind, kind);
        assert.notEqual(judgeYtDlpErrors(text).kind, 'signed-out');
      });
    }
  }

  it('says first that the site has signed us out, without advice', () => {
    const { error } = judgeYtDlpErrors(withCookies['signed-out'][0] ?? '', {
      hasCookies: true,
      hasProxy: false,
    });
    assert.equal(
      error,
      'signed out by the site: [youtube] The provided YouTube account cookies are no longer valid. They have likely been rotated in the browser as a security measure',
    );
  });

  for (const words of [
    "Unable to download webpage: ('Unable to connect to proxy', NewConnectionError('refused'))",
    'Unable to download webpage: HTTP Error 407: Proxy Authentication Required',
    'Unable to download webpage: Tunnel connection failed: 407 Proxy Authentication Required',
  ]) {
    it(`blames the proxy, where there is one, for: ${words}`, () => {
      const text = `ERROR: [generic] abc: ${words}`;
      const { kind, error } = judgeYtDlpErrors(text, { hasCookies: false, hasProxy: true });
      assert.equal(kind, 'transient');
      assert.match(error, /^the proxy is down, or does not let us through: /);
      assert.doesNotMatch(judgeYtDlpErrors(text).error, /^the proxy/);
    });
  }

  it("gives back yt-dlp's last error in one line, without advice", () => {
    const { error } = judgeYtDlpErrors(
      'WARNING: something\nERROR: [youtube] abc: Unable to extract x; please report this issue on https://github.com/…\n',
    );
    assert.equal(error, '[youtube] abc: Unable to extract x');
    assert.equal(judgeYtDlpErrors('').error, 'yt-dlp failed without a word');
  });

  for (const [words, seconds] of [
    ['HTTP Error 429: Too Many Requests', null],
    ['The current session has been rate-limited by YouTube for up to an hour.', 3_600],
    ['too many requests, try again in 5 minutes', 300],
    ['rate limited; wait 90 seconds', 90],
    ['HTTP Error 429: Too Many Requests (Retry-After: 30)', 30],
    ['captcha: https://x.test/again-in-5-minutes', null],
  ] as const) {
    it(`reads how long to wait from: ${words}`, () => {
      const { kind, retryAfterMs } = judgeYtDlpErrors(`ERROR: [generic] abc: ${words}`);
      assert.equal(kind, 'throttled');
      assert.equal(retryAfterMs, seconds === null ? null : seconds * 1_000);
    });
  }

  const anyError = fc.constantFrom(...Object.values(table).flat());
  const longestError = 2_000;

  it('has an answer of one line for whatever was written to standard error, and the same for the same', async () => {
    const text = fc.array(fc.oneof(foreignText, anyError), { maxLength: 6 });
    await fuzz(
      fc.property(text, fc.constantFrom('\n', '\r\n', ''), (parts, end) => {
        const verdict = judgeYtDlpErrors(parts.join(end));
        assert.ok(verdict.error !== '' && verdict.error.length <= longestError);
        assert.doesNotMatch(verdict.error, /\n/);
        assert.deepEqual(judgeYtDlpErrors(parts.join(end)), verdict);
      }),
    );
  });

  it('is not moved by what an item calls itself', async () => {
    const words = fc.constantFrom(
      'captcha',
      'rate-limited',
      'HTTP Error 429',
      'private video',
      'rental',
      ' ',
      '-',
      '%',
    );
    const id = fc.array(fc.oneof(words, fc.string())).map((all) =>
      all
        .join('')
        .replaceAll(/[\s:]+/g, ' ')
        .trim(),
    );
    const errors = Object.values(table)
      .flat()
      .filter((text) => text.startsWith('ERROR: [youtube] abc: '));
    await fuzz(
      fc.property(id, fc.constantFrom(...errors), (name, error) => {
        fc.pre(name !== '');
        const { kind } = judgeYtDlpErrors(error.replace(' abc:', () => ` ${name}:`));
        assert.equal(kind, judgeYtDlpErrors(error).kind);
      }),
    );
  });

  it('takes time in proportion to the text, also for a text made to be slow', () => {
    const startedMs = performance.now();
    judgeYtDlpErrors(`ERROR: ${'account invalid '.repeat(100_000)}`);
    judgeYtDlpErrors(`ERROR: [x] ${'a: '.repeat(100_000)}\n${'http://'.repeat(100_000)}`);
    judgeYtDlpErrors('ERROR: [x] a b\n'.repeat(1_000));
    assert.ok(performance.now() - startedMs < 1_000);
  });
});

describe('isGoneForYtDlp', () => {
  const words = (text: string) => judgeYtDlpErrors(text).error;

  it('is so where the site has it for nobody', () => {
    const gone = table.permanent.filter((text) => isGoneForYtDlp(words(text)));
    assert.deepEqual(gone, [
      ...table.permanent.slice(0, 6),
      ...table.permanent.filter((text) => /HTTP Error 4(04|10)/.test(text)),
      'WARNING: [youtube] Unable to download webpage: HTTP Error 429: Too Many Requests\nERROR: [youtube] abc: Private video. Sign in',
    ]);
  });

  it('is not so in another country, nor for what a key says', () => {
    const elsewhere = [
      'ERROR: [youtube] abc: Video unavailable. The uploader has not made this video available in your country',
      'ERROR: [youtube] abc: Video unavailable. This video contains content from X, who has blocked it in your country on copyright grounds',
      'ERROR: [generic] HTTP Error 404: Unable to download webpage: HTTP Error 401: Unauthorized',
      'ERROR: Unsupported URL: https://example.org/was deleted',
    ];
    assert.deepEqual(
      elsewhere.filter((text) => isGoneForYtDlp(words(text))),
      [],
    );
  });
});
