import { z } from 'zod';
import { duration } from './run-spec.ts';
import { problemsIn } from './spec-problems.ts';

/** An hour: whoever terminated a run by mistake, or means to look at what it left, has time to. */
const fields = z.strictObject({
  /** What belongs to a run that ended so long ago is removed. */
  closedFor: duration('1s', '365d').default(3_600_000),
  /** The same for what is so old and whose run Temporal does not know; as long as Temporal keeps ended runs when left out. */
  unknownFor: duration('1s', '365d').optional(),
});

const sweepSpecSchema = fields.transform(({ closedFor, unknownFor }) => ({
  closedForMs: closedFor,
  unknownForMs: unknownFor,
}));

/** A sweep's input after parsing: durations in ms. */
export type SweepSpec = z.infer<typeof sweepSpecSchema>;
/** What a user may write. */
export type SweepSpecInput = z.input<typeof sweepSpecSchema>;

export type ParsedSweepSpec =
  | { readonly kind: 'valid'; readonly spec: SweepSpec }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

const sweepSpecFields = Object.keys(fields.shape);

/** Parses hand-typed input, which may be missing, and reports all problems at once. Never throws. */
export function parseSweepSpec(input: unknown): ParsedSweepSpec {
  const given = input ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) {
    return {
      kind: 'invalid',
      problems: ['the input is not an object — leave it out, or write it like {"closedFor": "1h"}'],
    };
  }
  const result = sweepSpecSchema.safeParse(given, { reportInput: true });
  if (result.success) return { kind: 'valid', spec: result.data };
  return {
    kind: 'invalid',
    problems: problemsIn(result.error.issues, given, sweepSpecFields),
  };
}
