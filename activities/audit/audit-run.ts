/**
 * Whether a run is what it says: its snapshot, its ledger and the bucket are compared, and nothing is changed. For runs of
 * any age and any ending; one that is still going on changes under the audit's eyes.
 *
 *   audit-run.ts      the order of it, and what is asked of each item
 *   audit.ts          what comes out
 *   object-prints.ts  which objects there should be: a set of hashes
 */
import type { Bucket } from '@google-cloud/storage';
import { runFolder } from '../../domain/names.ts';
import { objectMarks } from '../../domain/object-marks.ts';
import { objectName } from '../../domain/object-name.ts';
import { objectOfSide, sideObjectName } from '../../domain/side-files.ts';
import { LedgerState } from '../ledger/ledger-state.ts';
import { readParts } from '../ledger/ledger-log.ts';
import { readResults } from '../report/read-results.ts';
import type { ResultsSource } from '../report/read-results.ts';
import type { ResultLine } from '../report/result-line.ts';
import type { Manifest } from '../list/manifest.ts';
import { AuditTally } from './audit.ts';
import type { Audit } from './audit.ts';
import { ObjectPrints, printOf, printOfObject } from './object-prints.ts';
import type { ListedObject } from './object-prints.ts';
import { readManifest, readReport } from './read-run.ts';

/** How far an audit is: items are read twice, objects once between. */
export type AuditProgress = {
  readonly step: 'items' | 'objects' | 'missing objects';
  readonly done: number;
  /** Unknown of objects before they are listed. */
  readonly total: number | null;
};

export type AuditOptions = {
  readonly bucket: Bucket;
  /** The run's name, the last part of its folder. */
  readonly run: string;
  readonly onProgress?: (progress: AuditProgress) => void;
};

/** Cloud Storage gives 1,000 objects a page whatever is asked. */
const objectsPerPage = 1_000;

/**
 * Audits a run: that each item has one outcome at most, that what its ledger calls stored is in the bucket once and as the
 * ledger says, and that its report adds up. Memory holds some 80 bytes an item, and nothing of its content.
 * @throws Error in one line when the run folder has no snapshot, or snapshot or ledger cannot be read.
 */
export async function auditRun(options: AuditOptions): Promise<Audit> {
  const { bucket, run, onProgress = () => {} } = options;
  const manifest = await readManifest(bucket, run);
  const source: ResultsSource = { bucket, run, spec: manifest.spec, snapshot: manifest.snapshot };
  const tally = new AuditTally(manifest, `gs://${bucket.name}/${runFolder(run).root}`);
  const prints = new ObjectPrints();

  await readLedger(source, tally);
  for await (const results of readResults(source)) {
    for (const result of results) expect(result, { manifest, prints, tally });
    onProgress({ step: 'items', done: tally.items, total: manifest.snapshot.total });
  }
  let objects = 0;
  for await (const page of listObjects(bucket, manifest.spec.destination.prefix)) {
    for (const object of page) {
      if (prints.find(object) === 'known') continue;
      if (isLeftBeside(object, manifest, prints)) tally.sideFiles += 1;
      else tally.otherObjects += 1;
    }
    objects += page.length;
    onProgress({ step: 'objects', done: objects, total: null });
  }
  let compared = 0;
  for await (const results of readResults(source)) {
    for (const result of results) await compare(result, { bucket, manifest, prints, tally });
    compared += results.length;
    onProgress({ step: 'missing objects', done: compared, total: manifest.snapshot.total });
  }
  tally.compareReport(await readReport(bucket, run));
  return tally.end();
}

/** Parts hold only what changes the ledger: an outcome that does not is one too many. */
async function readLedger(source: ResultsSource, tally: AuditTally): Promise<void> {
  const state = LedgerState.empty(source.snapshot);
  for await (const { part, outcomes } of readParts(source.bucket, source.run)) {
    for (const outcome of outcomes) {
      const effect = state.apply(outcome);
      if (effect === 'duplicate') {
        tally.blame('settled-twice', `item ${outcome.index} in part ${part}`);
      } else if (effect === 'out-of-range') {
        tally.blame('no-such-item', `item ${outcome.index} in part ${part}`);
      }
    }
  }
}

type Expecting = { manifest: Manifest; prints: ObjectPrints; tally: AuditTally };

function expect(result: ResultLine, { manifest, prints, tally }: Expecting): void {
  tally.add(result);
  const { destination, task } = manifest.spec;
  const name = objectName(destination.prefix, result.key, task.extension);
  if (prints.expect(name, printOf(result, manifest.run)) === 'expected-already') {
    tally.blame('listed-twice', result.key);
  }
  if (result.object !== null && result.object !== name) {
    tally.blame('wrong-name', `${result.key} as ${result.object}`);
  }
  for (const side of sidesOf(result, manifest)) prints.expect(side, null);
}

/** Names of the side files that an item has by its outcome. */
function sidesOf({ key, sideFiles = {} }: ResultLine, { spec }: Manifest): string[] {
  const { prefix } = spec.destination;
  return Object.keys(sideFiles).map((suffix) => sideObjectName(prefix, key, suffix));
}

/**
 * Whether an object that no outcome names lies beside an item of the run as its side file: an attempt that died or failed leaves
 * them, and of what was stored before the run no outcome says more than its name.
 */
function isLeftBeside(object: ListedObject, { spec }: Manifest, prints: ObjectPrints): boolean {
  if (object.metadata?.[objectMarks.side] === undefined) return false;
  const of = objectOfSide(object.name, spec.task.extension);
  return of !== null && prints.isExpected(of);
}

type Comparing = { bucket: Bucket; manifest: Manifest; prints: ObjectPrints; tally: AuditTally };

async function compare(result: ResultLine, context: Comparing): Promise<void> {
  const { bucket, manifest, prints, tally } = context;
  const { object } = result;
  if (object === null) return;
  for (const side of sidesOf(result, manifest)) {
    if (prints.seen(side, null) === 'missing') tally.blame('missing', side);
    else tally.sideFiles += 1;
  }
  const print = printOf(result, manifest.run);
  switch (prints.seen(object, print)) {
    case 'as-expected':
      tally.objects += 1;
      return;
    case 'missing':
      tally.blame('missing', object);
      return;
    case 'different': {
      // Only the first few are told of: then a look at each is cheap.
      const isTold = tally.hasRoom('different');
      tally.blame('different', isTold ? await difference(bucket, object, print) : object);
    }
  }
}

/** In what an object is not what the ledger says. */
async function difference(bucket: Bucket, name: string, print: string | null): Promise<string> {
  const [{ size, crc32c = '', metadata }] = await bucket.file(name).getMetadata();
  const is = printOfObject({ name, size: size ?? 0, crc32c, metadata: metadata ?? null });
  return `${name}: ${is} instead of ${print}`;
}

/** The objects right under the prefix, page by page; names below a further "/" cannot be items'. */
async function* listObjects(
  bucket: Bucket,
  prefix: string,
): AsyncGenerator<readonly ListedObject[]> {
  let pageToken: string | undefined;
  do {
    const [files, next] = await bucket.getFiles({
      prefix,
      delimiter: '/',
      autoPaginate: false,
      maxResults: objectsPerPage,
      fields: 'items(name,size,crc32c,metadata),nextPageToken',
      ...(pageToken === undefined ? {} : { pageToken }),
    });
    // With `fields` the client gives what the API answered, whatever its types say.
    yield files;
    pageToken = (next as { pageToken?: string } | null)?.pageToken;
  } while (pageToken !== undefined);
}
