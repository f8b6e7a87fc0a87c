import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { taskSchema } from '../../../../domain/task.ts';
import { addressOf } from '../../../../workers/downloader/tasks/address.ts';
import { argumentsOf } from '../../../../workers/downloader/tasks/yt-dlp-arguments.ts';
import { foreignText } from '../../../support/foreign.ts';
import { fuzz } from '../../../support/fuzz.ts';

const spec = taskSchema.parse({ kind: 'yt-dlp', options: ['--age-limit=3', '--no-playlist'] });
ok(spec.kind === 'yt-dlp');
const ytDlp = spec;

describe("yt-dlp's arguments", () => {
  it('have the address behind "--", so that nothing in it is an option', () => {
    const argv = argumentsOf(ytDlp, '-rf');
    deepEqual(argv.slice(-2), ['--', '-rf']);
    equal(argv.indexOf('--'), argv.length - 2);
  });

  it("have the run's options first, so that they cannot undo ours", () => {
    deepEqual(argumentsOf(ytDlp, 'u').slice(0, 2), ytDlp.options);
  });

  it('are as many whatever the key is, and the address keeps its host', async () => {
    const usual = argumentsOf(ytDlp, 'u').length;
    await fuzz(
      fc.property(foreignText, (key) => {
        const address = addressOf(ytDlp.url, key);
        if (address.kind === 'invalid') return;
        equal(argumentsOf(ytDlp, address.url).length, usual);
        const { host, pathname, searchParams } = new URL(address.url);
        deepEqual([host, pathname, [...searchParams.keys()]], ['www.youtube.com', '/watch', ['v']]);
        equal(searchParams.get('v'), key);
      }),
      1,
      [['a&b=c'], ['a#b'], ['a?b'], ['a/../b']],
    );
  });
});
