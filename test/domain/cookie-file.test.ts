import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseCookieFile } from '../../domain/cookie-file.ts';
import { secretsOfProxy, withoutSecrets } from '../../workers/downloader/credentials.ts';
import { foreignText } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';

const nowMs = 1_700_000_000_000;
const head = '# Netscape HTTP Cookie File';
const cookie = (expires: string, value = 'value') =>
  `.x.test\tTRUE\t/\tTRUE\t${expires}\tname\t${value}`;

describe('a cookie file', () => {
  it('gives the values of its cookies, also of those that scripts may not read, and of sessions', () => {
    const text = [
      head,
      '# a comment',
      '',
      cookie('0', 'one'),
      `#HttpOnly_${cookie('', 'two')}`,
      cookie('1', 'old'),
    ];
    for (const end of ['\n', '\r\n']) {
      assert.deepEqual(parseCookieFile(text.join(end), nowMs), {
        kind: 'cookies',
        values: ['one', 'two', 'old'],
      });
    }
  });

  for (const [what, text, problem] of [
    ['without a cookie', `${head}\n# none\n`, /holds no cookie/],
    ['with words for a time', `${head}\n${cookie('tomorrow')}\n`, /line 2 has no time of expiry/],
    ['of a browser extension that writes JSON', ' {"cookies": []}', /is JSON/],
    ['that has expired', `${head}\n${cookie('1699999999')}\n`, /have expired/],
  ] as const) {
    it(`${what} is wrong`, () => {
      const parsed = parseCookieFile(text, nowMs);
      assert.ok(parsed.kind === 'wrong');
      assert.match(parsed.problem, problem);
    });
  }

  it('is told to be wrong without what stands in it, whatever that is', async () => {
    await fuzz(
      fc.property(foreignText, fc.boolean(), (text, isHeaded) => {
        const secret = 'Zx9-secret-Zx9';
        const whole = `${isHeaded ? `${head}\n` : ''}${secret}${text}${secret}`;
        const parsed = parseCookieFile(whole, nowMs);
        if (parsed.kind === 'wrong') assert.ok(!parsed.problem.includes(secret));
      }),
    );
  });
});

describe('a text without secrets', () => {
  it("has neither a proxy's address nor its password, as it was written or as it is", () => {
    const secrets = secretsOfProxy('http://spot:pass%20word@proxy.test:3128');
    assert.equal(
      withoutSecrets(
        'via http://spot:pass%20word@proxy.test:3128 (spot:pass%20word, pass word, proxy.test:3128)',
        secrets,
      ),
      'via *** (***, ***, proxy.test:3128)',
    );
    assert.deepEqual(secretsOfProxy(undefined), []);
  });

  it('keeps short words, which texts hold anyway', () => {
    assert.equal(withoutSecrets('error 1 in en', ['1', 'en', '']), 'error 1 in en');
  });
});
