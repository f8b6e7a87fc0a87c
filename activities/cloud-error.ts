import { shortText } from '../domain/short-text.ts';

/** What Google's clients throw: `code` is an HTTP status (storage) or a gRPC status (Pub/Sub). */
type CloudError = { code?: unknown; message?: unknown };

/** Statuses of the storage API. */
export const http = {
  badRequest: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  conditionFailed: 412,
} as const;

/** Statuses of Pub/Sub: grpc.io/docs/guides/status-codes. */
export const grpc = {
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  unauthenticated: 16,
} as const;

/** The status in an error of a Google client; undefined when it holds none, such as a broken connection. */
export function statusOf(error: unknown): number | undefined {
  const code = (error as CloudError | null)?.code;
  if (typeof code === 'number') return code;
  // Some storage errors carry their status as text.
  return typeof code === 'string' && /^\d{3}$/.test(code) ? Number(code) : undefined;
}

/** One line about an error for a message: "not found (404)", "forbidden (403)", or what it says itself. */
export function describeError(error: unknown): string {
  const known = descriptions.get(statusOf(error) ?? 0);
  if (known !== undefined) return known;
  const text = error instanceof Error ? error.message : String(error);
  // fetch hides the reason in its cause.
  const cause =
    error instanceof Error && error.cause instanceof Error ? shortText(error.cause.message) : '';
  return [text.split('\n', 1)[0] ?? '', cause].filter((part) => part !== '').join(': ');
}

/** Whether asking again cannot help: a person has to change something first. */
export function isDefinite(error: unknown): boolean {
  const status = statusOf(error);
  return status !== undefined && definite.has(status);
}

const descriptions = new Map<number, string>([
  [http.notFound, 'not found (404)'],
  [http.forbidden, 'forbidden (403)'],
  [http.unauthorized, 'not authenticated (401)'],
  [grpc.notFound, 'not found'],
  [grpc.permissionDenied, 'permission denied'],
  [grpc.unauthenticated, 'not authenticated'],
]);

const definite = new Set<number>([
  http.badRequest,
  http.unauthorized,
  http.forbidden,
  http.notFound,
  grpc.invalidArgument,
  grpc.notFound,
  grpc.permissionDenied,
  grpc.unauthenticated,
]);
