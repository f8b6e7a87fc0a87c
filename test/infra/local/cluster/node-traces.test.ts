import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCgroupMounts } from '../../../../infra/local/cluster/node-traces.ts';

test('hierarchies of both versions are found, and nothing else', () => {
  const mounts = [
    'proc /proc proc rw,relatime 0 0',
    'tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0',
    'cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0',
    'cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0',
    'cgroup2 /somewhere/else cgroup2 rw 0 0',
    '',
  ].join('\n');
  assert.deepEqual(parseCgroupMounts(mounts), [
    { folder: '/sys/fs/cgroup/memory', version: 1 },
    { folder: '/sys/fs/cgroup/unified', version: 2 },
  ]);
  assert.deepEqual(parseCgroupMounts('cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n'), [
    { folder: '/sys/fs/cgroup', version: 2 },
  ]);
});
