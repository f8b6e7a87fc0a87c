import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { RunRegistry } from '../../activities/sweep/run-registry.ts';
import { runName, runNameWithoutTime } from '../../domain/names.ts';

/** An answer takes milliseconds; one that takes longer is no answer, and the sweep leaves the run alone. */
const callTimeoutMs = 10_000;

/** What Temporal knows of runs, in the client's namespace. */
export function createRunRegistry(client: Client): RunRegistry {
  return {
    /** A workflow id can be used again; its newest execution tells of the run that it belongs to, and that the ones before have ended. */
    async read({ name, workflowId }) {
      const handle = client.workflow.getHandle(workflowId);
      try {
        const { raw, startTime, closeTime } = await withDeadline(client, () => handle.describe());
        const firstRunId = raw.workflowExecutionInfo?.firstRunId ?? '';
        if (firstRunId === '') {
          throw new Error(
            `describe workflow ${workflowId}: the server does not say which chain its newest execution belongs to — it takes Temporal server 1.25 or newer`,
          );
        }
        // Another run under the same id: this one had ended before that one's first execution began.
        const names = [runName, runNameWithoutTime].map((of) => of(workflowId, firstRunId));
        if (!names.includes(name)) {
          return { kind: 'closed', atMs: startTime.getTime() };
        }
        return closeTime === undefined
          ? { kind: 'open' }
          : { kind: 'closed', atMs: closeTime.getTime() };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return { kind: 'unknown' };
        throw error;
      }
    },

    async readRetentionMs() {
      const { namespace } = client.options;
      const { config } = await withDeadline(client, () =>
        client.workflowService.describeNamespace({ namespace }),
      );
      const seconds = config?.workflowExecutionRetentionTtl?.seconds;
      if (seconds === undefined || seconds === null) {
        throw new Error(
          `describe namespace ${namespace}: the server does not say how long it keeps ended workflows — give "unknownFor"`,
        );
      }
      return Number(seconds) * 1000;
    },
  };
}

function withDeadline<Answer>(client: Client, call: () => Promise<Answer>): Promise<Answer> {
  return client.withDeadline(Date.now() + callTimeoutMs, call);
}
