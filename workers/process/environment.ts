import type { z } from 'zod';

/**
 * A process was started with settings it cannot run with. Its message is one line for the operator; `main.ts`
 * prints it and exits {@link misconfiguredExitCode}, which nothing retries.
 */
export class MisconfiguredError extends Error {
  override readonly name = 'MisconfiguredError';
}

/** EX_USAGE of sysexits.h; the Job's `podFailurePolicy` fails the Job at once on it. */
export const misconfiguredExitCode = 64;

/** How zod begins what it says of a value of the wrong type. */
const zodsOwnWords = 'Invalid ';

/**
 * Parses environment variables with a schema whose keys are their names.
 * @throws MisconfiguredError that names every variable that is wrong, not only the first.
 */
export function parseEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  variables: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const result = schema.safeParse(variables);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const [name, ...path] = issue.path;
    const place = path.length === 0 ? '' : ` at ${path.map(String).join('.')}`;
    const isMissing = name !== undefined && variables[String(name)] === undefined;
    // Of an absent variable zod says that it is "undefined"; a schema's own words say more and stay.
    const isPlainlyMissing = isMissing && issue.message.startsWith(zodsOwnWords);
    return `${String(name ?? 'the environment')}${place}: ${isPlainlyMissing ? 'is not set' : lowerFirst(issue.message)}`;
  });
  throw new MisconfiguredError(`environment: ${problems.join('; ')}`, { cause: result.error });
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
