import type { Bucket } from '@google-cloud/storage';
import type { Snapshot } from '../../domain/snapshot.ts';
import { readNewestCheckpoint } from './ledger-checkpoint.ts';
import { readParts } from './ledger-log.ts';
import type { LedgerState } from './ledger-state.ts';

/** The state of a run's ledger as the bucket has it now: the newest checkpoint and every part after it. */
export async function loadLedger(
  bucket: Bucket,
  run: string,
  snapshot: Pick<Snapshot, 'total' | 'published'>,
): Promise<LedgerState> {
  const state = await readNewestCheckpoint(bucket, run, snapshot);
  await catchUp(bucket, run, state);
  return state;
}

/** Applies the parts that others wrote since; one listing when there are none. */
export async function catchUp(bucket: Bucket, run: string, state: LedgerState): Promise<void> {
  for await (const { outcomes } of readParts(bucket, run, state.nextPart)) {
    state.applyPart(outcomes);
  }
}
