/**
 * A node: a machine of its own on which containerd and a kubelet run, with a private bus and a stand-in for logind, so that
 * the kubelet can be told of the machine's shutdown as it is on a preempted Spot machine.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CoreV1Api } from '@kubernetes/client-node';
import { freePort } from '../free-port.ts';
import type { RunningProcess } from '../process.ts';
import { describeContainerd, environmentOf, importCommand } from './containerd.ts';
import type { ControlPlane } from './control-plane.ts';
import { finishAll } from './finish-all.ts';
import type { ImageStore } from './image-store.ts';
import type { ClusterPrograms } from './install-cluster.ts';
import { removeNodeObject, waitForNotReady, waitForReady } from './node-object.ts';
import {
  networkOf,
  renderBusConfig,
  renderContainerdConfig,
  renderKubeletConfig,
  renderNetworkConfig,
  renderRegistration,
} from './node-config.ts';
import { startNodeMachine } from './node-machine.ts';
import type { NodeMachine } from './node-machine.ts';
import {
  createBridge,
  createCgroups,
  removeBridge,
  removeCgroups,
  tracePrefix,
} from './node-traces.ts';

/** One of the cluster's nodes, which can be made to fail. */
export type ClusterNode = {
  /** `node1`, the Node object's name, too. */
  name: string;
  /** The machine vanishes: every process of it is killed at the same moment, and nobody is told. */
  vanish: () => Promise<void>;
  /**
   * A machine of that name comes (again): empty but for the images, as a new Node object. Resolves when it is ready. Pods
   * that are still bound to one that vanished are failed and removed, as the pod collector does a minute later.
   */
  start: () => Promise<void>;
  /**
   * Tells the kubelet that the machine will shut down, as on a preempted Spot machine: the node turns NotReady, and its pods
   * have 15 s to end. Resolves when that has begun; the machine itself stays on.
   */
  announceShutdown: () => Promise<void>;
  /** Calls the shutdown off. Resolves when the node is Ready again, which is after its pods have ended. */
  cancelShutdown: () => Promise<void>;
};

/** What the cluster does with a node beside that. */
export type OwnedNode = ClusterNode & {
  /** Where its kubelet listens. */
  address: string;
  /** Makes the machine with containerd, without a kubelet: it needs no API server yet. */
  prepare: () => Promise<void>;
  /** Starts the kubelet on a prepared machine. Resolves when the node is Ready. */
  join: (plane: ControlPlane, api: CoreV1Api) => Promise<void>;
  /** Makes an image known to containerd, where the machine is on. */
  importImage: (archive: string) => Promise<void>;
  /** Kills the machine and removes all traces of it; may be called in any state. */
  remove: () => Promise<void>;
};

/** What a node is made of. */
export type NodeOptions = {
  /** From 1. */
  index: number;
  /** The node pool, where it is not the usual one. */
  pool?: string | undefined;
  /** The cluster's. The node has a folder of its own in it. */
  folder: string;
  logFolder: string;
  programs: ClusterPrograms;
  certificateFolder: string;
  images: ImageStore;
};

const busSocket = '/run/spotloop-bus';

/** A node that is off. */
export function createNode(options: NodeOptions): OwnedNode {
  const { index, logFolder, programs } = options;
  const name = `node${index}`;
  const trace = `${tracePrefix}${name}`;
  const folder = join(options.folder, 'nodes', name);
  const network = networkOf(index);
  const { nodeRoot, kubernetesFolder } = programs;
  let machine: NodeMachine | undefined;
  let logind: RunningProcess | undefined;
  let joined: { plane: ControlPlane; api: CoreV1Api } | undefined;

  const powerOff = async (): Promise<void> => {
    await machine?.powerOff();
    machine = undefined;
    logind = undefined;
  };

  const remove = async (): Promise<void> => {
    await powerOff();
    await removeCgroups(trace);
    await removeBridge(trace);
    await rm(folder, { recursive: true, force: true });
  };

  const importImage = async (archive: string): Promise<void> => {
    await machine?.run(`import the image ${archive} on ${name}`, importCommand(nodeRoot), archive);
  };

  const prepare = async (): Promise<void> => {
    await remove();
    await mkdir(join(folder, 'cni', 'config'), { recursive: true });
    const containerdConfig = join(folder, 'containerd.toml');
    const busConfig = join(folder, 'bus.conf');
    await writeFile(containerdConfig, renderContainerdConfig(nodeRoot));
    await writeFile(busConfig, renderBusConfig(busSocket));
    await writeFile(
      join(folder, 'cni', 'config', 'bridge.conflist'),
      renderNetworkConfig(trace, network),
    );
    await options.images.copyTo(join(folder, 'containerd'));
    await createCgroups(trace);
    await createBridge(trace, network.address);
    machine = await startNodeMachine({
      name,
      folder,
      programFolder: dirname(nodeRoot),
      pause: programs.pause,
      logFolder,
    });
    const { start, startBeside } = machine;
    const startLogind = async (): Promise<RunningProcess> => {
      await start({
        name: `the bus of ${name}`,
        command: join(nodeRoot, 'usr/bin/dbus-daemon'),
        args: [`--config-file=${busConfig}`, '--nofork', '--nopidfile', '--print-address'],
        env: environmentOf(nodeRoot),
        logFile: join(logFolder, `${name}-bus.log`),
        ready: { kind: 'line', test: (line) => line.startsWith('unix:') },
      });
      return startBeside({
        name: `logind of ${name}`,
        command: programs.logind,
        // Not read; it tells whose it is.
        args: [folder],
        env: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${busSocket}` },
        logFile: join(logFolder, `${name}-logind.log`),
        ready: { kind: 'line', test: (line) => line === 'serving' },
      });
    };
    const startingLogind = startLogind();
    await finishAll([
      startingLogind,
      start(
        describeContainerd({
          name,
          nodeRoot,
          configFile: containerdConfig,
          logFile: join(logFolder, `${name}-containerd.log`),
        }),
      ),
    ]);
    logind = await startingLogind;
  };

  const startKubelet = async (plane: ControlPlane, api: CoreV1Api): Promise<void> => {
    joined = { plane, api };
    if (machine === undefined) throw new Error(`start the kubelet of ${name}: its machine is off`);
    const configFile = join(folder, 'kubelet.json');
    const healthPort = await freePort();
    await writeFile(
      configFile,
      renderKubeletConfig({
        address: network.address,
        port: await freePort(),
        healthPort,
        clientCaFile: join(options.certificateFolder, 'ca.crt'),
        cgroupRoot: `/${trace}`,
      }),
    );
    await machine.start({
      name: `the kubelet of ${name}`,
      command: join(kubernetesFolder, 'kubelet'),
      args: [
        `--config=${configFile}`,
        `--kubeconfig=${await plane.writeKubeconfig(name)}`,
        `--hostname-override=${name}`,
        `--node-ip=${network.address}`,
        ...renderRegistration(options.pool),
        // Among others it says when the node shuts down.
        '--v=2',
      ],
      env: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${busSocket}` },
      logFile: join(logFolder, `${name}-kubelet.log`),
      ready: { kind: 'port', port: healthPort },
    });
    await waitForReady(api, name);
  };

  const signalLogind = (signal: NodeJS.Signals): void => {
    if (logind === undefined) throw new Error(`signal a shutdown of ${name}: it is off — start it`);
    process.kill(logind.pid, signal);
  };

  return {
    name,
    address: network.address,
    prepare,
    join: startKubelet,
    importImage,
    remove,
    vanish: powerOff,
    start: async () => {
      if (joined === undefined) throw new Error(`start ${name}: it never joined the cluster`);
      const { plane, api } = joined;
      await powerOff();
      await removeNodeObject(api, name);
      await prepare();
      await startKubelet(plane, api);
    },
    announceShutdown: async () => {
      signalLogind('SIGUSR1');
      if (joined !== undefined) await waitForNotReady(joined.api, name);
    },
    cancelShutdown: async () => {
      signalLogind('SIGUSR2');
      if (joined !== undefined) await waitForReady(joined.api, name);
    },
  };
}
