import { deepEqual } from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { AuthorizationV1Api, BatchV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { createCluster } from '../../../../activities/fleets/kubernetes/cluster.ts';
import type { Cluster } from '../../../../activities/fleets/kubernetes/cluster.ts';
import { ownersOf } from '../../../../activities/fleets/kubernetes/owners-of.ts';

/** Lists of metadata, a page at a time, as the API server answers: `test/cluster` has the real one. */

const meta = (name: string, run: string, second: number, workflow?: string) => ({
  metadata: {
    name,
    labels: { 'spotloop-run': run, 'spotloop-installation': 'here' },
    creationTimestamp: `2026-11-25T12:00:0${second}Z`,
    ...(workflow === undefined ? {} : { annotations: { 'spotloop-workflow': workflow } }),
  },
});

/** Pages of each resource. */
const pages = {
  jobs: [
    [meta('a-1', 'a', 1, 'A'), meta('b-1', 'b', 2, 'B/1')],
    [meta('a-2', 'a', 3, 'A')],
    [{ metadata: { name: 'stranger' } }],
  ],
  // The pod of a Job that somebody deleted without it, and one that nobody marked.
  pods: [[meta('a-2-0', 'a', 4, 'A')], [meta('c-1-0', 'c', 5, 'C'), meta('d-1-0', 'd', 6)]],
};

let server: Server;
let cluster: Cluster;
const asked: string[] = [];
before(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    const resource = url.pathname.endsWith('/jobs') ? 'jobs' : 'pods';
    const at = Number(url.searchParams.get('continue') ?? 0);
    asked.push(`${resource} ${url.searchParams.get('labelSelector')} ${request.headers.accept}`);
    const isLast = at === pages[resource].length - 1;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        kind: 'PartialObjectMetadataList',
        apiVersion: 'meta.k8s.io/v1',
        metadata: isLast ? {} : { continue: String(at + 1) },
        items: pages[resource][at],
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'u' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  cluster = createCluster({
    batch: config.makeApiClient(BatchV1Api),
    core: config.makeApiClient(CoreV1Api),
    authorization: config.makeApiClient(AuthorizationV1Api),
    namespace: 'bulk',
  });
});
after(() => server.close());

describe('the Jobs and pods of an installation', () => {
  it('are found on every page, by metadata alone, and say whose they are', async () => {
    const owned = await cluster.listOwned('spotloop-installation=here');
    const atMs = (second: number) => Date.UTC(2026, 10, 25, 12, 0, second);
    deepEqual(ownersOf(owned), [
      { run: 'a', workflowId: 'A', createdAtMs: atMs(4) },
      { run: 'b', workflowId: 'B/1', createdAtMs: atMs(2) },
      { run: 'c', workflowId: 'C', createdAtMs: atMs(5) },
      { run: 'd', workflowId: null, createdAtMs: atMs(6) },
    ]);
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
    deepEqual([...new Set(asked)].toSorted(), [
      `jobs spotloop-installation=here ${accept}`,
      `pods spotloop-installation=here ${accept}`,
    ]);
  });
});
