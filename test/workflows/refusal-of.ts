import assert from 'node:assert/strict';
import { ApplicationFailure, WorkflowUpdateFailedError } from '@temporalio/client';

/** The reason why a run refused a message; `done` when it did not. */
export async function refusalOf(sent: Promise<unknown>): Promise<string> {
  try {
    await sent;
  } catch (error) {
    assert.ok(error instanceof WorkflowUpdateFailedError, String(error));
    assert.ok(error.cause instanceof ApplicationFailure, String(error.cause));
    assert.equal(error.cause.type, 'Refused');
    return error.cause.message;
  }
  return 'done';
}
