import type { Beat } from '../../domain/beat.ts';
import { decodeBeat, outcomesTopicKinds } from '../../domain/beat.ts';
import { deathsOf, decodeItem } from '../../domain/item.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { decodeOutcomes } from '../../domain/outcome.ts';
import type { Mail } from './mailbox.ts';

/** What a message says. `refused` are its lines that nobody can read: logged and acked, for they never get better. */
export type OpenedMail =
  | { readonly kind: 'beat'; readonly beat: Beat }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly Outcome[]; readonly refused: number };

/** A message of the outcomes subscription. Never throws. */
export function openOutcomesMail(mail: Mail): OpenedMail {
  const text = Buffer.from(mail.data).toString('utf8');
  if (mail.attributes[outcomesTopicKinds.attribute] === outcomesTopicKinds.beat) {
    try {
      return { kind: 'beat', beat: decodeBeat(text) };
    } catch {
      return { kind: 'outcomes', outcomes: [], refused: 1 };
    }
  }
  try {
    return { kind: 'outcomes', outcomes: decodeOutcomes(text), refused: 0 };
  } catch {
    return readableLines(text);
  }
}

/** One bad line takes none of its neighbours with it. */
function readableLines(text: string): OpenedMail {
  const lines = text.split('\n').filter((line) => line !== '');
  const outcomes = lines.flatMap((line) => {
    try {
      return decodeOutcomes(line);
    } catch {
      return [];
    }
  });
  return { kind: 'outcomes', outcomes, refused: lines.length - outcomes.length };
}

/** Pub/Sub's own attribute: how often it delivered a message before it gave it to the dead-letter topic. */
const deliveriesAttribute = 'CloudPubSubDeadLetterSourceDeliveryCount';

/** A message of the dead-items subscription: an item that Pub/Sub gave up (I7). Never throws. */
export function openDeadItemMail(mail: Mail, nowMs: number): OpenedMail {
  try {
    const item = decodeItem(Buffer.from(mail.data).toString('utf8'));
    const deliveries = Number.parseInt(mail.attributes[deliveriesAttribute] ?? '', 10) || 0;
    const outcome: Outcome = {
      kind: 'quarantined',
      index: item.index,
      attempts: 0,
      seconds: 0,
      atMs: nowMs,
      deaths: deathsOf(item, deliveries + 1),
    };
    return { kind: 'outcomes', outcomes: [outcome], refused: 0 };
  } catch {
    return { kind: 'outcomes', outcomes: [], refused: 1 };
  }
}
