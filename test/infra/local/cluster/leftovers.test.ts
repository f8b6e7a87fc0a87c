import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  describeForeign,
  isForeign,
  isLeftover,
} from '../../../../infra/local/cluster/leftovers.ts';
import type { ProcessTrace } from '../../../../infra/local/cluster/leftovers.ts';

const bin = '/cache/bin';
const etcd: ProcessTrace = {
  pid: 7,
  name: 'etcd',
  program: `${bin}/kubernetes-1/kubernetes`,
  args: [`${bin}/kubernetes-1/etcd`, '--data-dir=/work/c/etcd'],
};

test('a program of the cache that works in the folder is a leftover', () => {
  assert.ok(isLeftover(etcd, bin, ['/work/c']));
  const machine = { ...etcd, program: `${bin}/pause-1/pause`, args: ['pause', '/work/c/node1'] };
  assert.ok(isLeftover(machine, bin, ['/other', '/work/c']));
});

test("somebody else's program, or one that works elsewhere, is none", () => {
  assert.ok(!isLeftover(etcd, bin, ['/work/c2']));
  assert.ok(!isLeftover(etcd, bin, []));
  // A person who reads a log.
  assert.ok(!isLeftover({ ...etcd, program: '/usr/bin/tail' }, bin, ['/work/c']));
  assert.ok(!isLeftover({ ...etcd, program: '/cache/binary/etcd' }, bin, ['/work/c']));
});

test('a kubelet or an engine is foreign, whatever its program is called', () => {
  const process = { pid: 1, name: 'x', program: '/usr/bin/x', args: [] };
  assert.ok(isForeign({ ...process, program: '/usr/bin/dockerd' }));
  assert.ok(isForeign({ ...process, name: 'kubelet', program: '/opt/kubernetes' }));
  assert.ok(!isForeign({ ...process, name: 'docker', program: '/usr/bin/docker' }));
});

test('one that has ended is foreign to nobody', () => {
  assert.ok(!isForeign({ pid: 1, name: 'kubelet', program: '', args: [] }));
});

test('the refusal names each process and gives a way out', () => {
  const docker = { pid: 812, name: 'dockerd', program: '/usr/bin/dockerd', args: [] };
  const hidden = { pid: 813, name: 'containerd', program: '', args: [] };
  assert.equal(
    describeForeign([docker, hidden]),
    'start a cluster: /usr/bin/dockerd (process 812), containerd (process 813) is running, which is not ours and shares ' +
      'cgroups and network with it — stop it, use another machine, or name a cluster of this machine in KUBECONFIG and a downloader image there in SPOTLOOP_IMAGES',
  );
});
