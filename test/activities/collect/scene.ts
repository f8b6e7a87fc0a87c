import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { MockActivityEnvironment } from '@temporalio/testing';
import type { v1 } from '@google-cloud/pubsub';
import { createCollectOutcomes } from '../../../activities/collect-outcomes.ts';
import { createCreateQueue } from '../../../activities/create-queue.ts';
import { loadLedger } from '../../../activities/ledger/load-ledger.ts';
import type { LedgerState } from '../../../activities/ledger/ledger-state.ts';
import { encodeBeat, outcomesTopicKinds } from '../../../domain/beat.ts';
import type { Beat } from '../../../domain/beat.ts';
import { queueNames, runFolder } from '../../../domain/names.ts';
import type { RunRef } from '../../../domain/names.ts';
import { encodeOutcome } from '../../../domain/outcome.ts';
import type { Outcome } from '../../../domain/outcome.ts';
import type { RunSpec } from '../../../domain/run-spec.ts';
import type { Sample } from '../../../domain/sample.ts';
import type { Snapshot } from '../../../domain/snapshot.ts';
import { inActivity, newActivity, newRun } from '../world.ts';
import type { World } from '../world.ts';

/** A collector ends long before this when it should; one that doesn't makes the test fail by its duration. */
export const longSliceMs = 60_000;

type Collector = ReturnType<typeof createCollectOutcomes>;

/** One run with its queue, and the downloaders' side of it. */
export class Scene {
  readonly world: World;
  readonly run: RunRef;
  readonly snapshot: Snapshot;

  private constructor(world: World, run: RunRef, snapshot: Snapshot) {
    this.world = world;
    this.run = run;
    this.snapshot = snapshot;
  }

  /** @param published items to do; two more were in the bucket before. */
  static async open(world: World, published: number): Promise<Scene> {
    const run = newRun(world.stack.bucket);
    await inActivity(createCreateQueue({ ...world.google, installation: 'test' }), {
      run,
      spec: { leaseDeadlineMs: 60_000 },
    });
    return new Scene(world, run, {
      total: published + 2,
      published,
      duplicates: 0,
      blankLines: 0,
    });
  }

  /** A collector as a process of its own would have it: nothing kept. `changed` wraps its Pub/Sub client. */
  newCollector(changed: Partial<v1.SubscriberClient> = {}): Collector {
    const { google } = this.world;
    const subscriber = new Proxy(google.subscriber, {
      get: (target, name) => {
        const value: unknown = Reflect.get(name in changed ? changed : target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    return createCollectOutcomes({ ...google, subscriber });
  }

  collect(
    collector: Collector,
    how: {
      until?: 'slice-ends' | 'quiet';
      sliceMs?: number;
      tolerateFailures?: RunSpec['tolerateFailures'];
      environment?: MockActivityEnvironment;
    } = {},
  ): Promise<Sample> {
    const { run, snapshot } = this;
    const { until = 'slice-ends', sliceMs = longSliceMs, environment = newActivity() } = how;
    const { tolerateFailures } = how;
    return environment.run(collector, { run, snapshot, sliceMs, until, tolerateFailures });
  }

  /** What the bucket says, read afresh. */
  ledger(): Promise<LedgerState> {
    const { storage } = this.world.google;
    return loadLedger(storage.bucket(this.run.bucket), this.run.name, this.snapshot);
  }

  /** Indices in the ledger at this very moment, from the server's own files: a request would come a moment later. */
  indicesInFiles(): Set<number> {
    const folder = join(
      this.world.stack.storageFolder,
      this.run.bucket,
      runFolder(this.run.name).ledger,
    );
    if (!existsSync(folder)) return new Set();
    const lines = readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl.gz'))
      .flatMap((name) =>
        gunzipSync(readFileSync(join(folder, name)))
          .toString()
          .split('\n'),
      );
    return new Set(
      lines.filter((line) => line !== '').map((line) => (JSON.parse(line) as Outcome).index),
    );
  }

  /** Publishes outcomes as downloaders do, some in a message. */
  async publish(outcomes: readonly Outcome[], perMessage = 1): Promise<void> {
    const messages = [];
    for (let at = 0; at < outcomes.length; at += perMessage) {
      const lines = outcomes.slice(at, at + perMessage).map(encodeOutcome);
      messages.push(messageOf(lines.join('\n'), outcomesTopicKinds.outcomes));
    }
    for (let at = 0; at < messages.length; at += 1_000) {
      await this.#send('outcomes', messages.slice(at, at + 1_000));
    }
  }

  publishText(text: string, kind: string = outcomesTopicKinds.outcomes): Promise<void> {
    return this.#send('outcomes', [messageOf(text, kind)]);
  }

  publishBeat(beat: Partial<Beat>): Promise<void> {
    const whole: Beat = {
      downloader: 'one',
      state: 'working',
      slots: 4,
      holding: [],
      throttled: 0,
      pauseMs: 0,
      atMs: Date.now(),
      ...beat,
    };
    return this.publishText(encodeBeat(whole), outcomesTopicKinds.beat);
  }

  /** An item as Pub/Sub forwards it when it gives it up. */
  publishDeadItem(text: string, deliveries = 100): Promise<void> {
    const attributes = { CloudPubSubDeadLetterSourceDeliveryCount: String(deliveries) };
    return this.#send('deadItems', [{ data: Buffer.from(text), attributes }]);
  }

  async #send(queue: 'outcomes' | 'deadItems', messages: Message[]): Promise<void> {
    const { publisher, projectId } = this.world.google;
    const topic = `projects/${projectId}/topics/${queueNames(this.run.name)[queue]}`;
    await publisher.publish({ topic, messages });
  }
}

type Message = { data: Buffer; attributes: Record<string, string> };

function messageOf(text: string, kind: string): Message {
  return { data: Buffer.from(text), attributes: { [outcomesTopicKinds.attribute]: kind } };
}

/** An activity whose attempt Temporal scheduled then: later is newer. */
export function attemptOf(scheduledAtMs: number): MockActivityEnvironment {
  const environment = newActivity();
  Object.assign(environment.context.info, { currentAttemptScheduledTimestampMs: scheduledAtMs });
  return environment;
}

/** Resolves with the first heartbeat's payload that fulfils the condition. */
export function heartbeatOf(
  environment: MockActivityEnvironment,
  isWanted: (sample: Sample) => boolean,
): Promise<Sample> {
  return new Promise((resolve) => {
    environment.on('heartbeat', (sample: Sample | undefined) => {
      if (sample !== undefined && isWanted(sample)) resolve(sample);
    });
  });
}
