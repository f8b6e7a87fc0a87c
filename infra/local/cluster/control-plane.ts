/**
 * etcd, the API server, the controllers and the scheduler, each a process of its own on 127.0.0.1.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Health, KubeConfig } from '@kubernetes/client-node';
import { freePort } from '../free-port.ts';
import { startProcess } from '../process.ts';
import type { RunningProcess } from '../process.ts';
import { createCertificates, writeKubeconfig } from './certificates.ts';
import type { Identity } from './certificates.ts';
import { waitUntil } from './wait-until.ts';

/** A running control plane. */
export type ControlPlane = {
  /** `https://127.0.0.1:PORT`. */
  apiServer: string;
  /** The administrator's kubeconfig file. */
  kubeconfig: string;
  /** The folder with `ca.crt`. */
  certificateFolder: string;
  /** Writes a kubeconfig for an identity that was named at the start. */
  writeKubeconfig: (user: string) => Promise<string>;
  stopApiServer: () => Promise<void>;
  startApiServer: () => Promise<void>;
  /** Starts the controllers anew, which then take a node for dead when it was silent for so long. */
  restartControllers: (nodeGraceSeconds: number) => Promise<void>;
  stop: () => Promise<void>;
};

/** A cold start on two busy cores takes 10 s. */
const readyMs = 90_000;
/** The API server first waits for its open watches to end, which is of no use here. */
const graceMs = 3_000;

/** Pods don't reach it, as there is no kube-proxy; they are told the server's address in their environment. */
const serviceRange = '10.96.0.0/16';
const firstServiceAddress = '10.96.0.1';

/** A thousand pods are made and placed in seconds; the stock limits of 20 to 50 calls a second take half a minute. */
const generousLimits = ['--kube-api-qps=500', '--kube-api-burst=1000'];

/** A dead node is noticed after this many seconds, not 50; its kubelet says every 2 s that it lives. */
export const usualNodeGraceSeconds = 10;

/**
 * The pods of a dead node are evicted at once, not one in ten seconds. The collector of ended pods is off, as in a test's
 * few minutes it would only hide them.
 */
const quickNodeDeath = [
  '--node-monitor-period=1s',
  '--node-eviction-rate=100',
  '--secondary-node-eviction-rate=100',
  '--terminated-pod-gc-threshold=0',
];

const server = { name: 'api-server', subject: '/CN=kube-apiserver' };
const administrator = { name: 'admin', subject: '/O=system:masters/CN=admin' };
const controllers = { name: 'controllers', subject: '/CN=system:kube-controller-manager' };
const scheduler = { name: 'scheduler', subject: '/CN=system:kube-scheduler' };
const etcd = { name: 'etcd', subject: '/CN=etcd', reachedAs: ['IP:127.0.0.1'] };
const serverNames = [
  'DNS:localhost',
  'DNS:kubernetes',
  'DNS:kubernetes.default',
  'DNS:kubernetes.default.svc',
  'IP:127.0.0.1',
  `IP:${firstServiceAddress}`,
];

/** Starts it in a folder and resolves when the API server is ready. `identities` are those of the nodes. */
export async function startControlPlane(options: {
  folder: string;
  logFolder: string;
  kubernetesFolder: string;
  identities: readonly Identity[];
}): Promise<ControlPlane> {
  const { folder, logFolder, kubernetesFolder } = options;
  const certificateFolder = join(folder, 'pki');
  const configFolder = join(folder, 'kubeconfigs');
  await mkdir(configFolder, { recursive: true, mode: 0o700 });
  const file = (name: string): string => join(certificateFolder, name);
  const [apiPort, etcdPort, peerPort, controllersPort, schedulerPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const apiServer = `https://127.0.0.1:${apiPort}`;
  await createCertificates(certificateFolder, [
    { ...server, reachedAs: serverNames },
    administrator,
    controllers,
    scheduler,
    etcd,
    ...options.identities,
  ]);
  const configOf = (user: string): Promise<string> =>
    writeKubeconfig({
      file: join(configFolder, user),
      certificateFolder,
      user,
      server: apiServer,
    });
  const start = (name: string, port: number, args: string[]): Promise<RunningProcess> =>
    startProcess({
      name,
      command: join(kubernetesFolder, name),
      args,
      logFile: join(logFolder, `${name}.log`),
      ready: { kind: 'port', port },
      readyMs,
      graceMs,
    });

  await using undo = new AsyncDisposableStack();
  const etcdAddress = `https://127.0.0.1:${etcdPort}`;
  const peerAddress = `https://127.0.0.1:${peerPort}`;
  const store = await start('etcd', etcdPort, [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${etcdAddress}`,
    `--advertise-client-urls=${etcdAddress}`,
    `--listen-peer-urls=${peerAddress}`,
    `--initial-advertise-peer-urls=${peerAddress}`,
    `--initial-cluster=default=${peerAddress}`,
    // Whoever reads or writes here is above all rights: nobody else on the machine may.
    '--client-cert-auth',
    '--peer-client-cert-auth',
    `--trusted-ca-file=${file('ca.crt')}`,
    `--peer-trusted-ca-file=${file('ca.crt')}`,
    `--cert-file=${file('etcd.crt')}`,
    `--key-file=${file('etcd.key')}`,
    `--peer-cert-file=${file('etcd.crt')}`,
    `--peer-key-file=${file('etcd.key')}`,
    // What it holds needs to outlive no crash of the machine.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]);
  undo.defer(store.stop);

  const kubeconfig = await configOf(administrator.name);
  const startServer = async (): Promise<RunningProcess> => {
    const process = await start('kube-apiserver', apiPort, [
      `--etcd-servers=${etcdAddress}`,
      `--etcd-cafile=${file('ca.crt')}`,
      `--etcd-certfile=${file('etcd.crt')}`,
      `--etcd-keyfile=${file('etcd.key')}`,
      `--secure-port=${apiPort}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      // The Service `kubernetes` would get 127.0.0.1 as its endpoint, which is refused.
      '--endpoint-reconciler-type=none',
      `--tls-cert-file=${file('api-server.crt')}`,
      `--tls-private-key-file=${file('api-server.key')}`,
      `--client-ca-file=${file('ca.crt')}`,
      `--service-account-key-file=${file('service-accounts.pub')}`,
      `--service-account-signing-key-file=${file('service-accounts.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-cluster-ip-range=${serviceRange}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--kubelet-preferred-address-types=InternalIP',
      `--kubelet-client-certificate=${file('admin.crt')}`,
      `--kubelet-client-key=${file('admin.key')}`,
      '--allow-privileged=true',
      '--profiling=false',
    ]);
    await waitUntil({ doing: `wait for the API server at ${apiServer}`, timeoutMs: readyMs }, () =>
      healthOf(kubeconfig).readyz({}),
    );
    return process;
  };
  let serving = await startServer();
  undo.defer(() => serving.stop());

  const [controllersConfig, schedulerConfig] = [
    await configOf(controllers.name),
    await configOf(scheduler.name),
  ];
  const startControllers = (nodeGraceSeconds: number): Promise<RunningProcess> =>
    start('kube-controller-manager', controllersPort, [
      ...authenticated(controllersConfig, controllersPort),
      ...generousLimits,
      ...quickNodeDeath,
      `--node-monitor-grace-period=${nodeGraceSeconds}s`,
      `--root-ca-file=${file('ca.crt')}`,
      `--service-account-private-key-file=${file('service-accounts.key')}`,
      '--use-service-account-credentials=true',
    ]);
  let controlling = await startControllers(usualNodeGraceSeconds);
  undo.defer(() => controlling.stop());
  const scheduling = await start('kube-scheduler', schedulerPort, [
    ...authenticated(schedulerConfig, schedulerPort),
    ...generousLimits,
  ]);
  undo.defer(scheduling.stop);

  const running = undo.move();
  return {
    apiServer,
    kubeconfig,
    certificateFolder,
    writeKubeconfig: configOf,
    stopApiServer: () => serving.stop(),
    startApiServer: async () => {
      await serving.stop();
      serving = await startServer();
    },
    restartControllers: async (nodeGraceSeconds) => {
      await controlling.stop();
      controlling = await startControllers(nodeGraceSeconds);
    },
    stop: () => running.disposeAsync(),
  };
}

function authenticated(kubeconfig: string, port: number): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    // There is only one.
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
  ];
}

function healthOf(kubeconfig: string): Health {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return new Health(config);
}
