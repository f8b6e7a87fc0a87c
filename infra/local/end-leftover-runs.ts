import { Client, Connection } from '@temporalio/client';
import type { Report } from './install/part.ts';
import type { TemporalServer } from './temporal-server.ts';

const reason = 'the local stack ended during this run, and its queue with it';

/**
 * Terminates the runs that an earlier stack left in the middle. Temporal's database keeps them, but the Pub/Sub emulator keeps
 * nothing: without their queue they would try to go on for ever. What they stored stays; a new run skips it.
 */
export async function endLeftoverRuns(temporal: TemporalServer, report: Report): Promise<void> {
  const connection = await Connection.connect({ address: temporal.address });
  try {
    const { workflow } = new Client({ connection, namespace: temporal.namespace });
    const query = "WorkflowType = 'downloadRun' AND ExecutionStatus = 'Running'";
    for await (const { workflowId } of workflow.list({ query })) {
      await workflow.getHandle(workflowId).terminate(reason);
      report(`run ${workflowId}: terminated — ${reason}; start it again, it skips what is stored`);
    }
  } finally {
    await connection.close();
  }
}
