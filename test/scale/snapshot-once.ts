/** One snapshot step in a process of its own, as the Temporal worker does it: `node snapshot-once.ts LIST ENDPOINT BUCKET`. Prints what it found, took and used. */
import { Storage } from '@google-cloud/storage';
import { createSnapshotList } from '../../activities/snapshot-list.ts';
import { parseRunSpec } from '../../domain/run-spec.ts';
import { inActivity, newRun } from '../activities/world.ts';
import { prefix } from './stored-ids.ts';

const [, , list = '', apiEndpoint = '', bucket = ''] = process.argv;
const parsed = parseRunSpec({ items: list, destination: `gs://${bucket}/${prefix}` });
if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('\n'));
const storage = new Storage({
  projectId: 'spotloop-test',
  apiEndpoint,
  useAuthWithCustomEndpoint: false,
});
const snapshotList = createSnapshotList({ storage, isFileListAllowed: true });
const residentMiB = () => process.memoryUsage.rss() / 1024 ** 2;
const beforeMiB = residentMiB();
let peakMiB = beforeMiB;
const watching = setInterval(() => {
  peakMiB = Math.max(peakMiB, residentMiB());
}, 20);
const startMs = performance.now();
const { total, published } = await inActivity(snapshotList, {
  run: newRun(bucket),
  spec: parsed.spec,
});
clearInterval(watching);
const seconds = (performance.now() - startMs) / 1000;
process.stdout.write(`${JSON.stringify({ total, published, seconds, beforeMiB, peakMiB })}
`);
process.exit();
