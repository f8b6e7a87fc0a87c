import type { CollectorDeps } from './collect/desk.ts';
import { createCollectOutcomes } from './collect-outcomes.ts';
import { createCreateQueue } from './create-queue.ts';
import type { CreateQueueDeps } from './create-queue.ts';
import { createDeleteLeftovers } from './delete-leftovers.ts';
import type { DeleteLeftoversDeps } from './delete-leftovers.ts';
import { createDeleteQueue } from './delete-queue.ts';
import type { FleetDeps } from './fleets/choose-fleet.ts';
import { heartbeating } from './heartbeat.ts';
import { createNotify } from './notify.ts';
import { createPreflight } from './preflight.ts';
import type { PreflightDeps } from './preflight.ts';
import { createPublishItems } from './publish-items.ts';
import type { PublishItemsDeps } from './publish-items.ts';
import { createReadFleet } from './read-fleet.ts';
import { createReconcile } from './reconcile.ts';
import { createResumeFleet } from './resume-fleet.ts';
import { createScaleFleet } from './scale-fleet.ts';
import { createSnapshotList } from './snapshot-list.ts';
import type { SnapshotDeps } from './snapshot-list.ts';
import { createStartFleet } from './start-fleet.ts';
import { createStopFleet } from './stop-fleet.ts';
import { createSuspendFleet } from './suspend-fleet.ts';
import { createWriteReport } from './write-report.ts';

/** What the activities stand on, made once by the Temporal worker. */
export type ActivityDeps = PreflightDeps &
  SnapshotDeps &
  CreateQueueDeps &
  PublishItemsDeps &
  FleetDeps &
  CollectorDeps &
  DeleteLeftoversDeps;

/** The steps of a run, in the order of its story, and of the sweep. */
export function createActivities(deps: ActivityDeps) {
  return {
    preflight: heartbeating(createPreflight(deps)),
    snapshotList: createSnapshotList(deps),
    createQueue: heartbeating(createCreateQueue(deps)),
    publishItems: createPublishItems(deps),
    startFleet: heartbeating(createStartFleet(deps)),
    readFleet: heartbeating(createReadFleet(deps)),
    scaleFleet: heartbeating(createScaleFleet(deps)),
    suspendFleet: heartbeating(createSuspendFleet(deps)),
    resumeFleet: heartbeating(createResumeFleet(deps)),
    collectOutcomes: createCollectOutcomes(deps),
    reconcile: createReconcile(deps),
    stopFleet: heartbeating(createStopFleet(deps)),
    deleteQueue: heartbeating(createDeleteQueue(deps)),
    writeReport: createWriteReport(deps),
    notify: heartbeating(createNotify(deps)),
    deleteLeftovers: createDeleteLeftovers(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
