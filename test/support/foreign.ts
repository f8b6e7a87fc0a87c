import fc from 'fast-check';

/** What strangers may send: arbitraries that the fuzz tests of all edges share. */

/** Longer than anything that is expected, and still quick. */
const enormous = 100_000;
/** Deeper than a recursive reader bears. */
const abyss = 20_000;

const halfACharacter = fc
  .integer({ min: 0xd800, max: 0xdfff })
  .map((unit) => String.fromCharCode(unit));

/** Text of any kind: hostile keys, half surrogate pairs, control characters, enormous ones. */
export const foreignText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme' }) },
  { weight: 4, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 2,
    arbitrary: fc.array(fc.oneof(fc.string(), halfACharacter)).map((all) => all.join('')),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '.',
      '..',
      '../../x',
      '-rf',
      '--exec=true',
      '$(true)',
      "';true;'",
      '\0',
      '\uFEFF',
      '\u2028',
      '{key}',
      'gs://b/c',
      '__proto__',
      'constructor',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('x', '\uFFFF', '🎬', '\u0007').map((one) => one.repeat(enormous)),
  },
);

/** Names that objects have by birth. */
const bornWith = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

const numberText = fc.oneof(
  fc.double().map(String),
  fc.constantFrom(
    '0',
    '-0',
    '-1',
    '1e400',
    '-1e400',
    '9007199254740991',
    '9007199254740993',
    '1e-7',
    '0.1',
    '8640000000000001',
  ),
);

const text = fc.oneof(
  { weight: 9, arbitrary: foreignText },
  { weight: 1, arbitrary: fc.constantFrom(...bornWith) },
);

/** JSON text of any value, with names such as `__proto__`, numbers beyond all bounds, and nesting without end. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    numberText,
    text.map((one) => JSON.stringify(one)),
    fc.constantFrom('null', 'true', 'false', '""', '{}', '[]'),
    fc.constant(`${'['.repeat(abyss)}${']'.repeat(abyss)}`),
    fc.array(tie('value'), { maxLength: 4 }).map((all) => `[${all.join(',')}]`),
    fc
      .array(fc.tuple(text, tie('value')), { maxLength: 4 })
      .map(
        (all) => `{${all.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`,
      ),
  ),
})).value;

/** JSON text of right objects of which something was replaced, dropped or added, in any of their fields. */
export function spoiled(right: fc.Arbitrary<object>): fc.Arbitrary<string> {
  const change = fc.record({
    place: fc.nat(),
    how: fc.constantFrom('replace', 'drop', 'add', 'keep'),
    name: fc.oneof(fc.constantFrom(...bornWith), fc.string()),
    value: jsonText,
  });
  const changed = fc.tuple(right, fc.array(change, { maxLength: 3 })).map(([object, changes]) => {
    const fields = Object.entries(object).map(([name, value]) => [
      name,
      JSON.stringify(value) ?? 'null',
    ]);
    for (const { place, how, name, value } of changes) {
      const field = fields[place % Math.max(1, fields.length)];
      if (how === 'replace' && field !== undefined) field[1] = value;
      if (how === 'drop') fields.splice(place % Math.max(1, fields.length), 1);
      if (how === 'add') fields.push([name, value]);
    }
    return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
  });
  return fc.oneof(
    { weight: 4, arbitrary: changed },
    { weight: 1, arbitrary: jsonText },
    { weight: 1, arbitrary: text },
  );
}

type Harm = {
  readonly kind: 'flip' | 'cut' | 'insert';
  readonly place: number;
  readonly value: number;
};

/** What may befall bytes: bits flipped, some cut off, some put in. */
export const harms: fc.Arbitrary<Harm[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('flip', 'cut', 'insert'),
    place: fc.nat(),
    value: fc.nat(255),
  }),
  { minLength: 1, maxLength: 4 },
);

/** The bytes after what has befallen them. */
export function damage(bytes: Uint8Array, befallen: readonly Harm[]): Buffer {
  let harmed = Buffer.from(bytes);
  for (const { kind, place, value } of befallen) {
    const at = harmed.length === 0 ? 0 : place % harmed.length;
    if (kind === 'flip' && harmed.length > 0) harmed[at] = (harmed[at] ?? 0) ^ (1 << (value % 8));
    if (kind === 'cut') harmed = harmed.subarray(0, at);
    if (kind === 'insert') {
      harmed = Buffer.concat([harmed.subarray(0, at), Buffer.of(value), harmed.subarray(at)]);
    }
  }
  return harmed;
}

/** The bytes in pieces, however they arrive: empty ones too. */
export function chunksOf(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array[]> {
  return fc.tuple(bytes, fc.array(fc.nat(), { maxLength: 12 })).map(([all, cuts]) => {
    const places = [0, ...cuts.map((cut) => cut % (all.length + 1))].toSorted((a, b) => a - b);
    return places.map((from, at) => all.subarray(from, places[at + 1]));
  });
}
