import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { objectName } from '../../domain/object-name.ts';
import { parseRunSpec } from '../../domain/run-spec.ts';
import {
  isSideExtension,
  maxSuffixBytes,
  objectOfSide,
  sideObjectName,
  sideSuffixOf,
} from '../../domain/side-files.ts';
import { foreignText } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';

describe('the suffix of a side file', () => {
  const table: [string, string | null][] = [
    ['info.json', 'info.json'],
    ['en.vtt', 'en.vtt'],
    ['zh-Hans.srt', 'zh-Hans.srt'],
    ['en.US.vtt', 'en%2EUS.vtt'],
    ['../x.vtt', '%2E%2E%2Fx.vtt'],
    ['webp', 'webp'],
    ['JPG', 'JPG'],
    ['mp4', null],
    ['f137.mp4', null],
    ['vtt', null],
    ['en.webp', null],
    ['mp4.part', null],
    ['php', null],
    ['', null],
    [`${'x'.repeat(maxSuffixBytes)}.vtt`, null],
  ];
  for (const [rest, suffix] of table) {
    it(`of media.${rest.slice(0, 30)} is ${suffix ?? 'none'}`, () => {
      assert.equal(sideSuffixOf(rest), suffix);
    });
  }
});

describe('the name of a side file', () => {
  const key = fc
    .oneof(foreignText, fc.constantFrom('A', 'A.en', 'A.info', 'A.en.vtt', 'A.info.json', 'A.jpg'))
    .filter((text) => text.isWellFormed() && text !== '');
  const rest = fc.oneof(
    fc.constantFrom('info.json', 'en.vtt', 'en.de.vtt', 'de.vtt', 'jpg', 'info.vtt', 'info.en.vtt'),
    foreignText.filter((text) => text.isWellFormed()).map((language) => `${language}.vtt`),
  );
  const extension = fc.constantFrom('mp4', 'webm', 'm4a', 'MKV');

  it("is neither another key's object nor its side file, whatever keys and languages are", async () => {
    await fuzz(
      fc.property(
        fc.tuple(key, rest),
        fc.tuple(key, rest),
        extension,
        ([one, mine], [other, theirs], of) => {
          const [suffix, otherSuffix] = [sideSuffixOf(mine), sideSuffixOf(theirs)];
          if (suffix === null || one === other) return;
          const name = sideObjectName('v/', one, suffix);
          assert.notEqual(name, objectName('v/', other, of));
          if (otherSuffix !== null) assert.notEqual(name, sideObjectName('v/', other, otherSuffix));
        },
      ),
    );
  });

  it('leads back to the object that it lies beside', async () => {
    await fuzz(
      fc.property(key, rest, extension, (one, mine, of) => {
        const suffix = sideSuffixOf(mine);
        if (suffix === null) return;
        assert.equal(
          objectOfSide(sideObjectName('v.1/', one, suffix), of),
          objectName('v.1/', one, of),
        );
      }),
    );
    for (const name of ['v/A.mp4', 'v/A', 'v/A.vtt', 'v.en/A.vtt', 'v/stranger.txt']) {
      assert.equal(objectOfSide(name, 'mp4'), null, name);
    }
  });

  it('is not taken by any extension that objects may have beside side files', () => {
    assert.ok(['json', 'vtt', 'jpg', 'JPG'].every((of) => isSideExtension(of)));
    assert.ok(!['mp4', 'webm', 'm4a', 'mp3', 'mkv'].some((of) => isSideExtension(of)));
  });
});

describe('side files in a run spec', () => {
  const problemsOf = (task: object): readonly string[] => {
    const parsed = parseRunSpec({
      items: 'gs://b-b/list',
      destination: 'gs://b-b/v/',
      task: { kind: 'yt-dlp', ...task },
    });
    return parsed.kind === 'valid' ? [] : parsed.problems;
  };

  it('are what there is, with languages for subtitles', () => {
    const sideFiles = ['info', 'subtitles', 'automatic-subtitles', 'thumbnail'];
    const subtitleLanguages = ['en', 'en.*', 'zh-Hans', 'all'];
    assert.deepEqual(problemsOf({ sideFiles, subtitleLanguages }), []);
    assert.deepEqual(problemsOf({ sideFiles: [] }), []);
  });

  for (const [what, task, problem] of [
    ['a kind that is none', { sideFiles: ['comments'] }, /"task\.sideFiles\[0\]".*info/],
    [
      'a language that is an option',
      { sideFiles: ['subtitles'], subtitleLanguages: ['--exec=id'] },
      /"task\.subtitleLanguages\[0\]" is no language/,
    ],
    [
      'an expression of any length',
      { sideFiles: ['subtitles'], subtitleLanguages: ['(.*)*x'] },
      /is no language/,
    ],
    [
      'languages without subtitles',
      { sideFiles: ['info'], subtitleLanguages: ['en'] },
      /"task\.subtitleLanguages" chooses among subtitles/,
    ],
    [
      'an extension that side files have',
      { sideFiles: ['info'], extension: 'JSON' },
      /"task\.extension" is one of side files/,
    ],
  ] as const) {
    it(`refuse ${what}`, () => {
      const problems = problemsOf(task);
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] ?? '', problem);
    });
  }

  it('are fields of the task yt-dlp alone', () => {
    const parsed = parseRunSpec({
      items: ['https://x.test/a'],
      destination: 'gs://b-b/v/',
      task: { kind: 'http', sideFiles: ['info'] },
    });
    assert.ok(parsed.kind === 'invalid');
    assert.match(parsed.problems.join(), /unknown field "task\.sideFiles"/);
  });
});
