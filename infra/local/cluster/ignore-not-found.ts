import { ApiException } from '@kubernetes/client-node';

/** For `catch` after a deletion: that the thing is gone already is fine; any other error is thrown again. */
export function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof ApiException && error.code === 404)) throw error;
}
