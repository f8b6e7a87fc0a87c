import { findFakeGcsServer } from './fake-gcs-server.ts';
import { findJava } from './java.ts';
import { ensurePart } from './part.ts';
import type { Report } from './part.ts';
import { findPubsubEmulatorJar } from './pubsub-emulator-jar.ts';
import { findTemporalCli } from './temporal-cli.ts';
import { findTestServer } from './test-server.ts';
import { findYtDlp } from './yt-dlp.ts';

/** The programs that were installed or found, as paths. */
export type Programs = {
  temporal: string;
  fakeGcsServer: string;
  ytDlp: string;
};

/**
 * Installs what the local stack (and, unless told otherwise, the tests) need and is not there, side by side, telling each
 * step. What is missing and can't be installed is said first and all at once: an error of one line each.
 */
export async function install(options?: {
  withTestServer?: boolean;
  report?: Report;
}): Promise<Programs> {
  const { withTestServer = true, report = toStderr } = options ?? {};
  const [temporal, fakeGcsServer, ytDlp, testServer] = await settleAll([
    findTemporalCli(),
    findFakeGcsServer(),
    findYtDlp(),
    withTestServer ? findTestServer() : undefined,
    findJava(),
    findPubsubEmulatorJar(),
  ]);
  const paths = await settleAll([
    ensurePart(temporal, report),
    ensurePart(fakeGcsServer, report),
    ensurePart(ytDlp, report),
    testServer && ensurePart(testServer, report),
  ]);
  return { temporal: paths[0], fakeGcsServer: paths[1], ytDlp: paths[2] };
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Like `Promise.all`, but waits for all and throws all problems: who has two things to install wants to know of both. */
async function settleAll<T extends readonly unknown[]>(
  all: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(all);
  const problems = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  // Two parts may miss the same thing and say so in the same words.
  const messages = new Set(
    problems.map((one) => (one instanceof Error ? one.message : String(one))),
  );
  if (problems.length > 0) throw new AggregateError(problems, [...messages].join('\n'));
  return Promise.all(all);
}
