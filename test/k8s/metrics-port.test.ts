import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { V1Container, V1Deployment, V1Job } from '@kubernetes/client-node';
import { load } from 'js-yaml';
import { parseDownloaderEnvironment } from '../../workers/downloader/environment.ts';
import { readSettings } from '../../workers/temporal/settings.ts';

type Kustomization = { readonly configMapGenerator: readonly { literals?: string[] }[] };

function read(name: string): unknown {
  return load(readFileSync(new URL(`../../k8s/${name}`, import.meta.url), 'utf8'));
}

const job = (read('job.yaml') as V1Job).spec?.template;
const deployment = (read('temporal-worker.yaml') as V1Deployment).spec?.template;
const { configMapGenerator } = read('kustomization.yaml') as Kustomization;
const literals = configMapGenerator.flatMap((map) => map.literals ?? []);

function portOf(container: V1Container | undefined): number | undefined {
  return container?.ports?.find(({ name }) => name === 'metrics')?.containerPort;
}

/** One number stands at four places of a pod: where it listens, what is open, and what a collector reads. */
describe('the port of metrics', () => {
  it('is where downloaders listen', () => {
    const container = job?.spec?.containers[0];
    const variable = container?.env?.find(({ name }) => name === 'SPOTLOOP_METRICS_ADDRESS');
    const port = portOf(container);
    assert.equal(job?.metadata?.annotations?.['prometheus.io/port'], String(port));
    const environment = { SPOTLOOP_METRICS_ADDRESS: variable?.value };
    assert.throws(() => parseDownloaderEnvironment(environment), {
      // All else is wrong, and this is not.
      message: /^(?!.*METRICS)environment: SPOTLOOP_ASSIGNMENT/,
    });
    assert.equal(variable?.value, `0.0.0.0:${port}`);
  });

  it('is where the Temporal worker listens', () => {
    const port = portOf(deployment?.spec?.containers[0]);
    assert.equal(deployment?.metadata?.annotations?.['prometheus.io/port'], String(port));
    const pairs = literals.map((literal) => literal.split('=', 2) as [string, string]);
    const { SPOTLOOP_METRICS_ADDRESS: address } = readSettings(Object.fromEntries(pairs));
    assert.deepEqual(address, { host: '0.0.0.0', port });
  });
});
