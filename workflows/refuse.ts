import { ApplicationFailure, CancellationScope } from '@temporalio/workflow';
import type { RunState } from './run-state.ts';
import { hasDownloaders } from './show.ts';

/** Answers a message that makes no sense, with the reason. Nothing of it enters the history. */
export function refuse(reason: string): never {
  throw ApplicationFailure.nonRetryable(reason, 'Refused');
}

export function refuseWhenCancelled(): void {
  if (CancellationScope.current().consideredCancelled) refuse('the run is being cancelled');
}

export function refuseUnlessDownloading(state: RunState): void {
  refuseWhenCancelled();
  if (hasDownloaders(state)) return;
  const when = isBeforeDownloading(state) ? 'yet' : 'any more';
  refuse(`the run is in phase "${state.phase}", it has no downloaders to steer ${when}`);
}

export function isBeforeDownloading({ phase }: RunState): boolean {
  return phase === 'preflight' || phase === 'snapshot' || phase === 'queue';
}
