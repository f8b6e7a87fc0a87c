import type { Bucket, Storage } from '@google-cloud/storage';
import type { Ending } from '../domain/ending.ts';
import { runFolder } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { saveObject } from '../storage/save-object.ts';
import { GoneRecorder } from './gone/gone-recorder.ts';
import { keepHeartbeating } from './heartbeat.ts';
import { ObjectWriter } from './report/object-writer.ts';
import { readResults } from './report/read-results.ts';
import { isRetried, keyLines } from './report/retried.ts';
import { renderPage } from './report/render-page.ts';
import type { ResultLine } from './report/result-line.ts';
import { planReport } from './report/run-report.ts';
import type { RunReport } from './report/run-report.ts';
import { RunStatistics } from './report/run-statistics.ts';

export type WriteReportDeps = { readonly storage: Storage };

export type WriteReportInput = {
  readonly run: RunRef;
  readonly spec: RunSpec;
  readonly snapshot: Snapshot;
  readonly ending: Ending;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
};

export type WrittenReport = Pick<RunReport, 'runFolder' | 'counts' | 'storedBytes'> & {
  readonly unsettled: number;
};

/**
 * Writes `results.jsonl`, `failed.txt`, `remaining.txt`, `retry.txt`, `retry-all.txt`, `report.json` and `report.html` into the run folder, from
 * the ledger and the snapshot alone, and what it found gone into the memory of its destination. Writing again overwrites them with the
 * same. Memory holds one index range.
 */
export function createWriteReport(deps: WriteReportDeps) {
  return async function writeReport(input: WriteReportInput): Promise<WrittenReport> {
    const { run, spec, snapshot } = input;
    const bucket = deps.storage.bucket(run.bucket);
    const folder = runFolder(run.name);
    const statistics = new RunStatistics(input.startedAtMs, input.endedAtMs);
    let items = 0;
    using _ = keepHeartbeating(() => ({ items }));

    using lists = new Lists(bucket, run.name);
    using gone = new GoneRecorder(bucket, input);
    for await (const results of readResults({ bucket, run: run.name, spec, snapshot })) {
      for (const result of results) statistics.add(result);
      await lists.write(results);
      await gone.write(results);
      items += results.length;
    }
    const report = planReport(
      { ...input, runFolder: `gs://${run.bucket}/${folder.root}` },
      statistics,
    );
    await lists.end();
    await gone.end();
    await save(
      bucket,
      folder.reportJson,
      'application/json',
      `${JSON.stringify(report, null, 2)}\n`,
    );
    await save(bucket, folder.reportHtml, 'text/html; charset=utf-8', renderPage(report));
    const { counts, storedBytes } = report;
    return { runFolder: report.runFolder, counts, storedBytes, unsettled: counts.unsettled };
  };
}

/** The files with a line an item. */
class Lists {
  readonly #results: ObjectWriter;
  readonly #failed: ObjectWriter;
  readonly #remaining: ObjectWriter;
  readonly #retry: ObjectWriter;
  readonly #retryAll: ObjectWriter;

  constructor(bucket: Bucket, run: string) {
    const { results, failed, remaining, retry, retryAll } = runFolder(run);
    const text = 'text/plain; charset=utf-8';
    this.#results = new ObjectWriter(bucket, results, 'application/x-ndjson');
    this.#failed = new ObjectWriter(bucket, failed, text);
    this.#remaining = new ObjectWriter(bucket, remaining, text);
    this.#retry = new ObjectWriter(bucket, retry, text);
    this.#retryAll = new ObjectWriter(bucket, retryAll, text);
  }

  async write(results: readonly ResultLine[]): Promise<void> {
    const keysOf = (...kinds: ResultLine['outcome'][]) =>
      keyLines(results.filter(({ outcome }) => kinds.includes(outcome)));
    await this.#results.write(results.map((result) => `${JSON.stringify(result)}\n`).join(''));
    await this.#failed.write(keysOf('failed', 'quarantined'));
    await this.#remaining.write(keysOf('unsettled'));
    await this.#retry.write(keyLines(results.filter(isRetried.passing)));
    await this.#retryAll.write(keyLines(results.filter(isRetried.all)));
  }

  [Symbol.dispose](): void {
    for (const list of this.#all()) list[Symbol.dispose]();
  }

  async end(): Promise<void> {
    await Promise.all(this.#all().map((list) => list.end()));
  }

  #all(): ObjectWriter[] {
    return [this.#results, this.#failed, this.#remaining, this.#retry, this.#retryAll];
  }
}

/** The same bytes under the same name: the client may repeat it after a broken connection. */
async function save(
  bucket: Bucket,
  name: string,
  contentType: string,
  text: string,
): Promise<void> {
  await saveObject(bucket.file(name), text, { contentType });
}
