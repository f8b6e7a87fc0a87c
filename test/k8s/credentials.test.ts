import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { V1Job } from '@kubernetes/client-node';
import { dump, load } from 'js-yaml';
import {
  downloaderOf,
  parseJobTemplate,
  podSpecOf,
  templateSchema,
} from '../../activities/fleets/kubernetes/job-template.ts';
import { parseDownloaderEnvironment } from '../../workers/downloader/environment.ts';

/** The lines of docs/kubernetes.md by which pods get cookies and a proxy, added to the Job template as a person adds them. */

const read = (name: string): string =>
  readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

const page = read('docs/kubernetes.md');
const [, section = ''] = page.split('\n## Cookies and proxies\n');
const [, lines = ''] = /```yaml\n(.*?)```/s.exec(section) ?? [];
const added = load(lines, { schema: templateSchema }) as V1Job;
const job = load(read('k8s/job.yaml')) as V1Job;

const [pod, container] = [podSpecOf(job), downloaderOf(job)];
const [addedPod, addedContainer] = [podSpecOf(added), downloaderOf(added)];
pod.volumes?.push(...(addedPod.volumes ?? []));
container.env?.push(...(addedContainer.env ?? []));
container.volumeMounts?.push(...(addedContainer.volumeMounts ?? []));
const template = parseJobTemplate(dump(job), 'job.yaml');

describe('the Job template with cookies and a proxy', () => {
  it('has nothing twice', () => {
    const { env, volumeMounts } = downloaderOf(template.job);
    const { volumes } = podSpecOf(template.job);
    for (const all of [
      env?.map(({ name }) => name),
      volumes?.map(({ name }) => name),
      volumeMounts?.map(({ mountPath }) => mountPath),
    ]) {
      assert.equal(new Set(all).size, all?.length);
    }
  });

  it('names files that lie in what is mounted, by the names that the Secret is made with', () => {
    const [mount] = addedContainer.volumeMounts ?? [];
    assert.equal(mount?.readOnly, true);
    assert.equal(mount?.subPath, undefined);
    const [, command = ''] = /(kubectl create secret generic .*)/.exec(section) ?? [];
    for (const { value = '' } of addedContainer.env ?? []) {
      assert.ok(value.startsWith(`${mount?.mountPath}/`), value);
      assert.ok(command.includes(`--from-file=${value.split('/').at(-1)}`), value);
    }
    const secret = addedPod.volumes?.find(({ name }) => name === mount?.name)?.secret;
    assert.ok(command.includes(`generic ${secret?.secretName} `));
  });

  it("lets the pod's group read, and nobody else", () => {
    const mode = addedPod.volumes?.[0]?.secret?.defaultMode;
    assert.equal(mode?.toString(8), '440');
    assert.equal(pod.securityContext?.fsGroup, pod.securityContext?.runAsGroup);
  });

  it('sets variables that the downloader knows', () => {
    const variables = Object.fromEntries(
      (addedContainer.env ?? []).map(({ name, value }) => [name, value]),
    );
    assert.deepEqual(Object.keys(variables), ['SPOTLOOP_COOKIES_FILE', 'SPOTLOOP_PROXY_FILE']);
    const schema = read('workers/downloader/environment.ts');
    for (const name of Object.keys(variables))
      assert.match(schema, new RegExp(`^  ${name}: `, 'm'));
    assert.throws(() => parseDownloaderEnvironment(variables), {
      message: /^(?!.*(COOKIES|PROXY))environment: SPOTLOOP_ASSIGNMENT/,
    });
  });
});
