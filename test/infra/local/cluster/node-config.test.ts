import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  networkOf,
  renderBusConfig,
  renderContainerdConfig,
  renderKubeletConfig,
  renderNetworkConfig,
} from '../../../../infra/local/cluster/node-config.ts';

test("each node has a network of its own, in the range for networks' tests", () => {
  assert.deepEqual(networkOf(1), { address: '198.18.1.1', subnet: '198.18.1.0/24' });
  assert.deepEqual(networkOf(2), { address: '198.18.2.1', subnet: '198.18.2.0/24' });
});

test('the kubelet gives pods 15 s when the machine is shut down', () => {
  const config = JSON.parse(
    renderKubeletConfig({
      address: '198.18.1.1',
      port: 20_001,
      healthPort: 20_002,
      clientCaFile: '/c/pki/ca.crt',
      cgroupRoot: '/spotloop-node1',
    }),
  ) as Record<string, unknown>;
  const seconds = (key: string): number => Number.parseInt(String(config[key]), 10);
  assert.equal(seconds('shutdownGracePeriod') - seconds('shutdownGracePeriodCriticalPods'), 15);
  assert.equal(config['cgroupRoot'], '/spotloop-node1');
  assert.deepEqual([config['address'], config['port']], ['198.18.1.1', 20_001]);
});

test('the network does not make the machine forward packets', () => {
  const config = JSON.parse(renderNetworkConfig('spotloop-node1', networkOf(1))) as {
    plugins: { isGateway: boolean; ipMasq: boolean; bridge: string; ipam: { ranges: unknown } }[];
  };
  const [bridge] = config.plugins;
  assert.deepEqual([bridge?.isGateway, bridge?.ipMasq], [false, false]);
  assert.equal(bridge?.bridge, 'spotloop-node1');
  assert.deepEqual(bridge?.ipam.ranges, [[{ subnet: '198.18.1.0/24', gateway: '198.18.1.1' }]]);
});

test("containerd's paths are quoted", () => {
  const config = renderContainerdConfig('/a "b"/bin');
  assert.ok(config.includes(String.raw`BinaryName = "/a \"b\"/bin/usr/sbin/runc"`));
  assert.ok(config.includes(String.raw`bin_dir = "/a \"b\"/bin/usr/lib/cni"`));
});

test('the bus is where its users look', () => {
  assert.match(renderBusConfig('/run/bus'), /<listen>unix:path=\/run\/bus<\/listen>/);
});
