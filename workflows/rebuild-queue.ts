import { isQueueLost } from './failure.ts';
import type { RunState } from './run-state.ts';
import { show } from './show.ts';
import { createQueue } from './steps.ts';

/**
 * Does a step that needs the queue. Where that is gone, with all its messages (deleted by somebody, or an emulator that was
 * restarted), it is made again, and the step is to be done again.
 * @returns what the step gave back; null when the queue was made again.
 */
export async function withQueue<Result>(
  state: RunState,
  step: () => Promise<Result>,
): Promise<Result | null> {
  try {
    return await step();
  } catch (error) {
    if (!isQueueLost(error)) throw error;
    show(state, state.phase, 'the queue is gone: making it again');
    await createQueue.executeWithOptions({ summary: 'Make the lost queue again' }, [
      { run: state.run, spec: state.spec },
    ]);
    state.hasLostMessages = true;
    return null;
  }
}
