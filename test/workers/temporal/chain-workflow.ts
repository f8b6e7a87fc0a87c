import { condition, continueAsNew } from '@temporalio/workflow';

/** A workflow of so many executions, the last of which waits to be ended. */
export async function chain(more: number): Promise<void> {
  if (more > 0) await continueAsNew<typeof chain>(more - 1);
  await condition(() => false);
}
