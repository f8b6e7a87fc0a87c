import assert from 'node:assert/strict';

/** A series as an endpoint tells it. */
export type Series = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

/** A metric as an endpoint declares it: `# TYPE`. */
export type Metric = { readonly name: string; readonly type: string };

const line = /^(?<name>[A-Za-z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/;
const label = /(?<name>[A-Za-z_]\w*)="(?<value>(?:[^"\\]|\\.)*)",?/g;

/** Prometheus' text format: prometheus.io/docs/instrumenting/exposition_formats. Its endpoints here give no timestamps. */
export function parseMetrics(text: string): Series[] {
  const told = text.split('\n').filter((one) => one !== '' && !one.startsWith('#'));
  return told.map((one) => {
    const { name, labels, value } = line.exec(one)?.groups ?? {};
    assert.ok(name !== undefined && value !== undefined, `not a line of Prometheus: ${one}`);
    const pairs = [...(labels ?? '').matchAll(label)].map(({ groups }) => [
      groups?.['name'],
      groups?.['value'],
    ]);
    return { name, labels: Object.fromEntries(pairs), value: Number(value) };
  });
}

/** What an endpoint declares. */
export function declaredIn(text: string): Metric[] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
    name,
    type,
  }));
}

export async function readText(url: string): Promise<string> {
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
  return answer.text();
}

export async function readMetrics(url: string): Promise<Series[]> {
  return parseMetrics(await readText(url));
}

/** Of the one series that has these labels, and perhaps more. */
export function valueOf(
  series: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = series.filter(
    (one) =>
      one.name === name &&
      Object.entries(labels).every(([key, value]) => one.labels[key] === value),
  );
  assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)} is there once`);
  return found[0]?.value ?? Number.NaN;
}
