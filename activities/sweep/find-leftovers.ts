import type { v1 } from '@google-cloud/pubsub';
import { queueOwner } from '../../domain/labels.ts';
import type { Labels } from '../../domain/labels.ts';
import { queueNames } from '../../domain/names.ts';
import type { FleetDeps, FleetName } from '../fleets/choose-fleet.ts';
import { stepError } from '../run-failure.ts';

export type FindLeftoversDeps = FleetDeps & {
  readonly publisher: v1.PublisherClient;
  readonly subscriber: v1.SubscriberClient;
  readonly projectId: string;
  /** Temporal's address and namespace: what is of another one is not looked at. */
  readonly installation: string;
};

/** All that there is of one run. */
export type Leftover = {
  readonly run: string;
  /** Null when nothing of it says so. */
  workflowId: string | null;
  /** When the newest part of it was created, Unix ms; null when nothing says so. */
  createdAtMs: number | null;
  /** Full names. */
  readonly topics: string[];
  readonly subscriptions: string[];
  readonly fleets: FleetName[];
};

/** Pub/Sub's own limit on a page. */
const pageSize = 1_000;

/** Everything of this installation, by its run: topics, subscriptions, fleets. Some 2 KB a run are held. */
export async function findLeftovers(
  deps: FindLeftoversDeps,
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const { publisher, subscriber, installation } = deps;
  const project = `projects/${deps.projectId}`;
  const leftovers = new Map<string, Leftover>();

  const note = (found: {
    readonly run: string;
    readonly workflowId: string | null;
    readonly createdAtMs: number | null;
  }): Leftover => {
    const { run, workflowId, createdAtMs } = found;
    const leftover = leftovers.get(run) ?? {
      run,
      workflowId: null,
      createdAtMs: null,
      topics: [],
      subscriptions: [],
      fleets: [],
    };
    leftovers.set(run, leftover);
    leftover.workflowId ??= workflowId;
    if (createdAtMs !== null) {
      leftover.createdAtMs = Math.max(leftover.createdAtMs ?? 0, createdAtMs);
    }
    return leftover;
  };
  const noteQueue = ({ name, labels }: Resource, kind: 'topics' | 'subscriptions') => {
    const owner = queueOwner(labels, installation);
    if (owner === null || typeof name !== 'string') return;
    // Somebody may have copied our labels onto something of their own.
    const ours: readonly string[] = Object.values(queueNames(owner.run));
    if (ours.includes(name.split('/').at(-1) ?? '')) note(owner)[kind].push(name);
  };

  for await (const topics of pagesOf('topics', (pageToken) =>
    publisher.listTopics({ project, pageSize, pageToken }, { autoPaginate: false }),
  )) {
    signal.throwIfAborted();
    for (const topic of topics) noteQueue(topic, 'topics');
  }
  for await (const subscriptions of pagesOf('subscriptions', (pageToken) =>
    subscriber.listSubscriptions({ project, pageSize, pageToken }, { autoPaginate: false }),
  )) {
    signal.throwIfAborted();
    for (const subscription of subscriptions) noteQueue(subscription, 'subscriptions');
  }
  for (const [name, fleet] of Object.entries(deps.fleets)) {
    for (const found of await fleet.list()) note(found).fleets.push(name as FleetName);
  }
  return [...leftovers.values()];
}

type Resource = { readonly name?: string | null; readonly labels?: Labels };

/** What the client gives back of a page: its resources, the next page's request (null behind the last), the whole answer. */
type Page = [Resource[], { pageToken?: string | null } | null, unknown];

async function* pagesOf(
  what: string,
  list: (pageToken: string) => Promise<unknown>,
): AsyncGenerator<readonly Resource[]> {
  let pageToken = '';
  do {
    let page: Page;
    try {
      page = (await list(pageToken)) as Page;
    } catch (error) {
      throw stepError(
        `list ${what}`,
        error,
        "give the Temporal worker's account the role Pub/Sub Editor on the project",
      );
    }
    yield page[0];
    pageToken = page[1]?.pageToken ?? '';
  } while (pageToken !== '');
}
