import { waitUntil } from '../support/run-stack.ts';
import type { FaultStack } from './fault-stack.ts';

/** A run that stands still in a call, which was chosen before the run was started. */
export type Held = {
  /** Resolves when it is there. */
  readonly reached: () => Promise<unknown>;
  /** Lets calls pass from now on. */
  readonly release: () => void;
};

/** A call of Pub/Sub about one of the queue's names: it does not get through, and breaks when it is released. */
export function holdCall(
  { queueProxy }: FaultStack,
  workflowId: string,
  { method, of }: { readonly method: string; readonly of: string },
): Held {
  const resource = new RegExp(`spotloop-${workflowId}-[0-9a-f]{12}-${of}$`);
  const { reached, end } = queueProxy.inject({ method, resource }, 'hold');
  return { reached: () => reached, release: end };
}

/** An upload by the beginning of its object's name or what is in it: it is never answered, however often it is tried. */
export function hangUpload({ storageProxy }: FaultStack, url: RegExp): Held {
  const choice = { method: 'POST', url, times: Infinity } as const;
  const { hits, end } = storageProxy.inject(choice, { kind: 'hang' });
  return { reached: () => waitUntil(async () => hits() > 0), release: end };
}
