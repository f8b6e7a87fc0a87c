import { createLocalFleet } from '../../../activities/fleets/local.ts';
import type { FleetPlan } from '../../../activities/fleets/fleet.ts';

/** A process that owns a fleet, for a test that kills it. Its one argument says what to start. */
const { folder, plan } = JSON.parse(process.argv[2] ?? '') as { folder: string; plan: FleetPlan };

const fleet = createLocalFleet({
  environment: process.env,
  stagingFolder: `${folder}/staging`,
  logFolder: `${folder}/logs`,
  graceSeconds: 5,
  log: { warn: () => {} },
});
await fleet.start(plan);
process.stdout.write('started\n');
