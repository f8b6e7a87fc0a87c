import { describeError } from '../../activities/cloud-error.ts';
import { shortText } from '../../domain/short-text.ts';
import { plain } from '../progress-text.ts';

/** What `spotloop doctor` looks at, in the order in which it is told. Public: one may be added, none renamed. */
export const parts = [
  'node',
  'temporal',
  'temporal-worker',
  'search-attributes',
  'pubsub',
  'bucket',
  'cluster',
] as const;

export type Part = (typeof parts)[number];

/** What came of a look. Public: a field may be added, none renamed. */
export type Finding = {
  readonly part: Part;
  /** `advice`: runs do without it. `skipped`: it was not looked at, and `text` says why. */
  readonly state: 'ok' | 'wrong' | 'advice' | 'skipped';
  readonly text: string;
  /** How to mend it; null where there is nothing to mend. */
  readonly mend: string | null;
};

/** A look at one part. */
export type Check = () => Promise<readonly Finding[]>;

/** A part in order answers in a second or two. Storage's client needs 7 s to find out that nobody listens, a cluster 12 s to refuse for good. */
const checkLimitMs = 45_000;

export const ok = (part: Part, text: string): Finding => ({ part, state: 'ok', text, mend: null });

export function wrong(part: Part, text: string, mend: string): Finding {
  return { part, state: 'wrong', text: plain(text), mend };
}

/** From an error of ours, which says after a dash what to do about it. */
export function wrongBy(part: Part, message: string, usualMend: string): Finding {
  const dash = ' — ';
  const at = message.lastIndexOf(dash);
  return at === -1
    ? wrong(part, message, usualMend)
    : wrong(part, message.slice(0, at), message.slice(at + dash.length));
}

/**
 * What came back, short enough to be read: Google's clients tell the whole request, and each of a dozen vain tries. What is not
 * told as we know it stays, cut.
 */
export function reasonOf(error: unknown): string {
  const text = describeError(error);
  const [, refused] = /, reason: (.+)$/.exec(text) ?? [];
  const [, unavailable] = /Last error: Error: (.+?)\.? Resolution note/.exec(text) ?? [];
  return shortText(plain(refused ?? unavailable ?? text));
}

/** How Google's clients say that nobody has signed in here. */
export function isNobodySignedIn(error: unknown): boolean {
  return /default credentials/i.test(describeError(error));
}

/** For whoever is not known to Google. */
export const signIn = 'sign in: gcloud auth application-default login';

/** Never rejects: what a check did not expect is a finding, too, and so is a part that does not answer. */
export async function findingsOf(part: Part, check: Check): Promise<readonly Finding[]> {
  const tooLong = Promise.withResolvers<readonly Finding[]>();
  const timer = setTimeout(
    () =>
      tooLong.resolve([
        wrong(
          part,
          `look at ${part}: no answer within ${checkLimitMs / 1000} s`,
          'check its address, and that it can be reached from here',
        ),
      ]),
    checkLimitMs,
  );
  try {
    return await Promise.race([tooLong.promise, check()]);
  } catch (error) {
    return [wrongBy(part, describeError(error), 'see what it says')];
  } finally {
    clearTimeout(timer);
  }
}
