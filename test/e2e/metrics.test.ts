import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../../infra/local/free-port.ts';
import { startRun, untilSettled } from '../support/clip-run.ts';
import type { ClipRun } from '../support/clip-run.ts';
import { declaredIn, parseMetrics, readText, valueOf } from '../support/prometheus.ts';
import type { Series } from '../support/prometheus.ts';
import { found, namesIn } from '../support/promql.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/**
 * What a real Temporal worker and real downloaders tell of real runs: one with an origin that asks for patience, one with
 * failures, one that is cancelled, one that fails before it begins.
 */

let world: RunStack;
/** The two endpoints, as a collector gets them. */
let ofWorker: string;
let ofDownloader: string;
let patient: ClipRun;
let failing: ClipRun;

const items = 10;

before(
  async () => {
    const address = `127.0.0.1:${await freePort()}`;
    world = await startRunStack({
      env: {
        SPOTLOOP_METRICS_ADDRESS: address,
        SPOTLOOP_LOCAL_METRICS_ADDRESS: '127.0.0.1:0',
        SPOTLOOP_LOG_LEVEL: 'debug',
      },
    });
    const small = { workers: 1, concurrency: 2 };
    const refused = await startRun(
      world,
      'refused',
      { count: 1 },
      { destination: 'gs://no-such-bucket/videos/' },
    );
    await assert.rejects(refused.handle.result());
    const cancelled = await startRun(world, 'cancelled', { count: items, seconds: 4 }, small);
    patient = await startRun(
      world,
      'patient',
      { count: items, seconds: 1, trouble: { kind: 'throttled', first: 1, times: 1 } },
      small,
    );
    failing = await startRun(
      world,
      'failing',
      { count: items, trouble: { kind: 'failing', first: 2, times: 1 } },
      { ...small, attempts: 1 },
    );
    const url = await downloaderUrl(patient);
    await untilSettled(patient, items / 2);
    ofDownloader = await readText(url);
    await Promise.all([patient.handle.result(), failing.handle.result()]);
    await untilSettled(cancelled, 1);
    await cancelled.handle.cancel();
    await assert.rejects(cancelled.handle.result());
    // Temporal's runtime counts an ending when the server has confirmed it, and we may hear of it before.
    await waitUntil(async () => {
      ofWorker = await readText(`http://${address}/metrics`);
      return ofWorker.includes('\ntemporal_workflow_canceled_total{');
    });
  },
  { timeout: 200_000 },
);

after(() => world.stop());

function logFolder({ name }: ClipRun): string {
  return join(world.stack.logFolder, name);
}

async function downloaderLogs(run: ClipRun): Promise<string> {
  const files = await readdir(logFolder(run)).catch(() => []);
  const texts = await Promise.all(
    files.map((file) => readFile(join(logFolder(run), file), 'utf8')),
  );
  return texts.join('');
}

/** Its log says which port it found free. */
async function downloaderUrl(run: ClipRun): Promise<string> {
  let address: string | undefined;
  await waitUntil(async () => {
    address = /"address":"([\d.:]+)"/.exec(await downloaderLogs(run))?.[1];
    return address !== undefined;
  });
  return `http://${address}/metrics`;
}

type Line = Record<string, unknown>;

/** Fails at the first line that is no JSON object. */
function linesOf(text: string): Line[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      try {
        return JSON.parse(line) as Line;
      } catch (cause) {
        throw new Error(`not JSON: ${line}`, { cause });
      }
    });
}

/** Labels that Prometheus gives each series itself: where it got it from. */
const ofPrometheus = ['job', 'instance'];

/** What Grafana writes in place of its variables. */
function asAsked(query: string): string {
  return query
    .replaceAll('$__rate_interval', '5m')
    .replaceAll('$__range', '1h')
    .replaceAll(/\$(?:namespace|run)\b/g, '.*');
}

describe('metrics', () => {
  it('tell what became of the items of all runs, and of those of a downloader', () => {
    const worker = parseMetrics(ofWorker);
    const settled = (outcome: string) =>
      valueOf(worker, 'spotloop_items_settled_total', { outcome });
    assert.equal(settled('failed'), 2);
    // Of the cancelled run some.
    assert.ok(settled('stored') > 2 * items - 2 && settled('stored') < 3 * items - 2);
    assert.equal(valueOf(worker, 'spotloop_items_listed_total'), 3 * items);
    assert.equal(valueOf(worker, 'spotloop_items_published_total'), 3 * items);
    const ended = (how: string) => valueOf(worker, `temporal_workflow_${how}_total`);
    assert.deepEqual([ended('completed'), ended('failed'), ended('canceled')], [2, 1, 1]);

    const downloader = parseMetrics(ofDownloader);
    const read = (name: string, labels = {}) =>
      valueOf(downloader, `spotloop_downloader_${name}`, labels);
    assert.ok(read('items_total', { outcome: 'stored' }) >= items / 2);
    assert.equal(read('info', { run: patient.name, downloader: `${patient.name}-0-0` }), 1);
    assert.ok(read('attempts_total', { ending: 'throttled' }) >= 1);
    assert.ok(read('throttled_pauses_total') >= 1);
  });

  it('name no run and no item, but for the one series that says whose they are', () => {
    for (const { name, labels } of [...parseMetrics(ofWorker), ...parseMetrics(ofDownloader)]) {
      if (name === 'spotloop_downloader_info') continue;
      for (const value of Object.values(labels)) {
        assert.ok(!value.includes(patient.prefix), `${name} ${JSON.stringify(labels)}`);
      }
    }
  });

  it('are those that the dashboard asks for, by name, label and value', async () => {
    const series = [...parseMetrics(ofWorker), ...parseMetrics(ofDownloader)];
    const queries = await dashboardQueries();
    assert.ok(queries.length > 30, `${queries.length} queries`);
    for (const query of queries) {
      const { selectors, groupings } = namesIn(asAsked(query));
      assert.ok(selectors.length > 0, `${query} asks for nothing`);
      for (const selector of selectors) {
        assert.ok(
          found(series, selector).length > 0,
          `${query}: no series is ${JSON.stringify(selector)}`,
        );
      }
      for (const { labels, metrics } of groupings) {
        const known = new Set([...ofPrometheus, ...labelsOf(series, metrics)]);
        for (const label of labels) assert.ok(known.has(label), `${query}: no label ${label}`);
      }
    }
  });

  it('have a row each in docs/metrics.md, with type and labels, and no row has none', async () => {
    const rows = await documented();
    const exposed = exposedIn(ofWorker).concat(exposedIn(ofDownloader));
    const isOurs = ({ name }: Row) => name.startsWith('spotloop_');
    assert.deepEqual(rows.filter(isOurs).toSorted(byName), exposed.filter(isOurs).toSorted(byName));
    // Temporal tells some of its own only when there was something to tell.
    for (const row of exposed.filter((one) => !isOurs(one))) {
      const { type, labels } = rows.find(({ name }) => name === row.name) ?? {};
      assert.equal(type, row.type, `docs/metrics.md has no ${row.type} ${row.name}`);
      const unknown = row.labels.filter((label) => labels?.includes(label) !== true);
      assert.deepEqual(unknown, [], `labels of ${row.name} that docs/metrics.md lacks`);
    }
  });
});

describe('logs', () => {
  it('of downloaders are JSON lines with severity, time, message and run, and with index and attempt of an item', async () => {
    const lines = linesOf(await downloaderLogs(patient)).concat(
      linesOf(await downloaderLogs(failing)),
    );
    for (const line of lines) {
      const text = JSON.stringify(line);
      assertEvent(line);
      assert.ok([patient.name, failing.name].includes(String(line['run'])), text);
      assert.ok(String(line['downloader']).startsWith(String(line['run'])), text);
      assert.equal('index' in line, 'attempt' in line, text);
    }
    const said = (message: string) => lines.filter((line) => line['message'] === message);
    const indices = said('item stored').map(({ run, index }) => JSON.stringify([run, index]));
    assert.equal(new Set(indices).size, 2 * items - 2);
    const failed = said('item failed: exhausted').map(({ severity, index, attempt, reason }) =>
      [severity, index, attempt, reason].map(String).join(' '),
    );
    assert.deepEqual(failed.toSorted(), ['INFO 0 1 HTTP 500', 'INFO 1 1 HTTP 500']);
    assert.ok(said('throttled by the origin').every(({ attempt }) => attempt === 1));
    assert.equal(said('SIGTERM: nothing was in hand').length, 2);
  });

  it('of the Temporal worker are JSON lines, and those of a run’s step carry the run', async () => {
    const file = join(world.stack.logFolder, 'temporal-worker.log');
    const lines = linesOf(await readFile(file, 'utf8'));
    lines.forEach(assertEvent);
    const steps = lines.filter(({ message }) => message === 'Activity completed');
    assert.ok(steps.length > 0);
    for (const { run, workflowId } of steps) {
      assert.ok(
        String(run).startsWith(`${String(workflowId)}-`),
        `${String(run)} of ${String(workflowId)}`,
      );
    }
  });
});

function assertEvent(line: Line): void {
  const text = JSON.stringify(line);
  assert.match(String(line['severity']), /^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)$/, text);
  assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, text);
  assert.ok(typeof line['message'] === 'string' && line['message'] !== '', text);
}

type Panel = { readonly targets?: readonly { readonly expr: string }[] };
type Variable = { readonly definition?: string };
type Dashboard = {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
};

/** The queries of its panels, and those that fill its variables: `label_values(METRIC, LABEL)`. */
async function dashboardQueries(): Promise<string[]> {
  const file = new URL('../../k8s/grafana-dashboard.json', import.meta.url);
  const { panels, templating } = JSON.parse(await readFile(file, 'utf8')) as Dashboard;
  const ofPanels = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const ofVariables = templating.list
    .map(({ definition }) => /^label_values\((\w+), (\w+)\)$/.exec(definition ?? ''))
    .filter((match) => match !== null)
    .map(([, metric, label]) => `count by (${label}) (${metric})`);
  assert.equal(ofVariables.length, 2);
  return [...ofPanels, ...ofVariables];
}

function labelsOf(series: readonly Series[], metrics: readonly string[]): string[] {
  return series
    .filter(({ name }) => metrics.includes(name))
    .flatMap(({ labels }) => Object.keys(labels));
}

type Row = { readonly name: string; readonly type: string; readonly labels: readonly string[] };

function byName(a: Row, b: Row): number {
  return a.name < b.name ? -1 : 1;
}

/** Each metric that is declared, with the labels that its series have. */
function exposedIn(text: string): Row[] {
  const series = parseMetrics(text);
  return declaredIn(text).map(({ name, type }) => {
    const names =
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
    const labels = new Set(labelsOf(series, names).filter((label) => label !== 'le'));
    return { name, type, labels: [...labels].toSorted() };
  });
}

/** The rows of tables in docs/metrics.md that begin with a metric: name, type, labels, meaning. */
async function documented(): Promise<Row[]> {
  const text = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = text.matchAll(
    /^\| `((?:spotloop|temporal)_\w+)` \| (\w+) \| ([^|]*) \| [^|]+ \|$/gm,
  );
  return [...rows].map(([, name = '', type = '', labels = '']) => ({
    name,
    type,
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label).toSorted(),
  }));
}
