/** What Google's clients throw: `code` is an HTTP status (storage) or a gRPC status (Pub/Sub). */
type CloudError = { code?: unknown; message?: unknown };

export const http = { unauthorized: 401, forbidden: 403, notFound: 404, conditionFailed: 412 };
export const grpc = { notFound: 5, alreadyExists: 6 };

/** The status in an error of a Google client; undefined when it holds none, such as a broken connection. */
export function statusOf(error: unknown): number | undefined {
  const code = (error as CloudError | null)?.code;
  if (typeof code === 'number') return code;
  // Some storage errors carry their status as text.
  return typeof code === 'string' && /^\d{3}$/.test(code) ? Number(code) : undefined;
}

/** One line about an error for a message: "not found (404)", "forbidden (403)", or what it says itself. */
export function describeError(error: unknown): string {
  const status = statusOf(error);
  if (status === http.notFound) return 'not found (404)';
  if (status === http.forbidden) return 'forbidden (403)';
  if (status === http.unauthorized) return 'not authenticated (401)';
  const text = error instanceof Error ? error.message : String(error);
  // fetch hides the reason in its cause.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  return [text.split('\n', 1)[0] ?? '', cause].filter((part) => part !== '').join(': ');
}

/** Whether asking again cannot help: a person has to change something first. */
export function isDefinite(error: unknown): boolean {
  const status = statusOf(error);
  return (
    status === http.notFound ||
    status === http.forbidden ||
    status === http.unauthorized ||
    status === 400
  );
}
