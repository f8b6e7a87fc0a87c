import { ApiException } from '@kubernetes/client-node';
import { failureTypes } from '../../../domain/failure-types.ts';
import { http } from '../../cloud-error.ts';
import { runFailure } from '../../run-failure.ts';

/** Statuses of the Kubernetes API beside the usual ones. */
const status = { conflict: 409, unprocessable: 422 } as const;

/**
 * Asking again cannot help with these. 429, 5xx, 401 (a token that is being renewed), 409 (somebody else wrote at the same
 * moment) and no answer at all may pass.
 */
const definite = new Set<number>([
  http.badRequest,
  http.forbidden,
  http.notFound,
  status.unprocessable,
]);

const kinds = new Map<number, string>([
  [http.unauthorized, 'not authenticated'],
  [http.forbidden, 'forbidden'],
  [http.notFound, 'not found'],
  [status.conflict, 'conflict'],
]);

/** Where the rights are written down that we need. */
export const rbacHint = 'apply k8s/rbac.yaml';

/** How the API server refuses a right; quotas, webhooks and Pod Security forbid in words of their own. */
const denial = /cannot \w+ resource/;

/** What server-side apply says, with status 500, of a field that the schema does not have. */
const unknownField = /failed to create typed patch object/;

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiException && error.code === http.notFound;
}

/** Whether the caller lacks a right. */
export function isDenied(error: unknown): boolean {
  return (
    error instanceof ApiException &&
    error.code === http.forbidden &&
    denial.test(statusMessage(error.body))
  );
}

/** Whether asking again cannot help: a person has to change something first. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof ApiException)) return false;
  return definite.has(error.code) || unknownField.test(statusMessage(error.body));
}

/** Whether a quota was in the way, which another run's end may mend. */
export function isQuota(text: string): boolean {
  return /(exceeded|failed) quota/i.test(text);
}

/**
 * One line about what the API server answered: what was done, what came back, what to do.
 * @param doing `create Job x in namespace y`.
 */
export function describeApiError(doing: string, error: unknown): string {
  if (!(error instanceof ApiException)) return `${doing}: ${connectionText(error)}`;
  const said = messageOf(error);
  const hint = hintOf(error.code, said);
  return `${doing}: ${said}${hint === null ? '' : ` — ${hint}`}`;
}

/**
 * What a step throws when the API server refused a call: the run's end when asking again cannot help, else an error that
 * is retried.
 */
export function apiError(doing: string, error: unknown): Error {
  const message = describeApiError(doing, error);
  // A full quota has room again when others are gone, be it the Job before this one.
  return isRefusal(error) && !isQuota(message)
    ? // Without a cause: it would be the whole answer with its headers, whose one sentence the message has.
      runFailure(failureTypes.FleetFailed, message)
    : new Error(message, { cause: error });
}

/** The server's own sentence; a webhook's and a quota's say best what is wrong. */
function messageOf(error: ApiException<unknown>): string {
  const said = statusMessage(error.body);
  const kind = kinds.get(error.code);
  const code = kind === undefined ? `HTTP status ${error.code}` : `${kind} (${error.code})`;
  return said === '' ? code : `${code}: ${said}`;
}

/** The body is a Status, as text or parsed: kubernetes.io/docs/reference/kubernetes-api/common-definitions/status */
function statusMessage(body: unknown): string {
  let parsed = body;
  if (typeof body === 'string') {
    try {
      parsed = JSON.parse(body);
    } catch {
      // A proxy's page, for example: its first line says the most.
      return body.split('\n', 1)[0] ?? '';
    }
  }
  const message = (parsed as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : '';
}

function hintOf(code: number, said: string): string | null {
  if (isQuota(said)) return 'raise the quota, or wait until other Jobs of the namespace are gone';
  if (/admission webhook/.test(said)) return "ask who runs that webhook, or change the run's pod";
  if (/violates PodSecurity/.test(said)) return 'correct the Job template or the namespace';
  if (/namespaces? ".*" not found/.test(said)) {
    return 'create the namespace, or correct SPOTLOOP_NAMESPACE';
  }
  if (/service account/i.test(said) && code === http.forbidden && /not found/.test(said)) {
    return 'apply k8s/service-accounts.yaml';
  }
  if (denial.test(said)) return rbacHint;
  if (unknownField.test(said)) return 'correct the Job template';
  if (code === http.forbidden || code === status.unprocessable) {
    return "correct the run's pod or the Job template";
  }
  return null;
}

function connectionText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') {
    return 'no answer in time — check that the API server can be reached';
  }
  // fetch says only "fetch failed"; the reason is in its cause.
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return cause === '' || error.message.includes(cause)
    ? error.message
    : `${error.message}: ${cause}`;
}
