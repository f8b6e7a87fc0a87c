import { equal, match } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { labelValue } from '../../domain/labels.ts';
import { foreignText } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';

describe('labelValue', () => {
  it('keeps what tells installations apart', () => {
    equal(labelValue('127.0.0.1:7233/default'), '127-0-0-1-7233-default');
    equal(labelValue('Team_A.tmprl.cloud:7233/Team_A'), 'team-a-tmprl-cloud-7233-team-a');
  });

  it('keeps the end of a long one', () => {
    match(labelValue(`${'x'.repeat(80)}/nightly`), /-nightly$/);
  });

  it('always fits the rules of Google Cloud and Kubernetes, and stays what it is', async () => {
    await fuzz(
      fc.property(
        fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), foreignText),
        (text) => {
          match(labelValue(text), /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$/);
          equal(labelValue(labelValue(text)), labelValue(text));
        },
      ),
    );
  });
});
