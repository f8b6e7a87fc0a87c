/**
 * What a node's programs are told. Paths are the usual ones of a real node: each node has its own /run, /var/lib and
 * /var/log (see node-machine.ts), so nothing here depends on where the cluster's folder is, nor on how long its path is.
 */

/** The label of GKE's Spot nodes, whose part these nodes play. */
const spotLabel = 'cloud.google.com/gke-spot=true';
/** GKE's label that names a node's pool; here the key of its taint, too. */
export const poolLabel = 'cloud.google.com/gke-nodepool';
/** The image of every pod's first container. */
export const pauseImage = 'localhost/pause:local';

/** What ordinary pods get to end in when a Spot machine is taken away, as on GKE. */
const podsGraceSeconds = 15;
/** There are no critical pods here, but the kubelet counts on some. */
const criticalGraceSeconds = 1;

/** `node1`'s address and network: of the range that is set aside for tests of networks (RFC 2544), so nobody's else. */
export type NodeNetwork = { address: string; subnet: string };

/** The network of the node with this number, from 1. */
export function networkOf(index: number): NodeNetwork {
  return { address: `198.18.${index}.1`, subnet: `198.18.${index}.0/24` };
}

/** The options by which a kubelet registers its node; one of a pool takes only pods that tolerate the pool's taint. */
export function renderRegistration(pool: string | undefined): string[] {
  if (pool === undefined) return [`--node-labels=${spotLabel}`];
  return [
    `--node-labels=${spotLabel},${poolLabel}=${pool}`,
    `--register-with-taints=${poolLabel}=${pool}:NoSchedule`,
  ];
}

/** containerd's configuration. `nodeRoot` is where its packages were unpacked. */
export function renderContainerdConfig(nodeRoot: string): string {
  // JSON's strings are TOML's, too.
  const text = (value: string): string => JSON.stringify(value);
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper"]
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[${cri}]
  sandbox_image = ${text(pauseImage)}
  disable_apparmor = true
  # On a machine that is itself a container, nobody may lower it.
  restrict_oom_score_adj = true
  stream_server_port = "0"
  [${cri}.containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        BinaryName = ${text(`${nodeRoot}/usr/sbin/runc`)}
        SystemdCgroup = false
  [${cri}.cni]
    bin_dir = ${text(`${nodeRoot}/usr/lib/cni`)}
    conf_dir = "/var/lib/cni/config"
`;
}

/** The configuration of a containerd that only imports images. */
export function renderStoreConfig(): string {
  return `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
`;
}

/**
 * The pods' network: a bridge that is there already and has the gateway's address. With `isGateway` the plug-in would do
 * that itself, and make the whole machine forward packets.
 */
export function renderNetworkConfig(bridge: string, { address, subnet }: NodeNetwork): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: bridge,
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: false,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: '/var/lib/cni/addresses',
          ranges: [[{ subnet, gateway: address }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  });
}

/** The kubelet's configuration: JSON, which is YAML, too. */
export function renderKubeletConfig(options: {
  address: string;
  port: number;
  healthPort: number;
  clientCaFile: string;
  cgroupRoot: string;
}): string {
  const { address, port, healthPort, clientCaFile, cgroupRoot } = options;
  return JSON.stringify(
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      address,
      port,
      healthzPort: healthPort,
      readOnlyPort: 0,
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: false },
        x509: { clientCAFile: clientCaFile },
      },
      // Only the API server has a certificate that gets so far.
      authorization: { mode: 'AlwaysAllow' },
      containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
      cgroupDriver: 'cgroupfs',
      cgroupRoot,
      failCgroupV1: false,
      failSwapOn: false,
      // No kube-proxy here, so no rules of its in the machine's firewall.
      makeIPTablesUtilChains: false,
      clusterDomain: 'cluster.local',
      resolvConf: '/etc/resolv.conf',
      // A dead node is to be noticed within 10 s: see the controllers.
      nodeStatusUpdateFrequency: '2s',
      nodeLeaseDurationSeconds: 8,
      syncFrequency: '10s',
      // An emptyDir over its limit is noticed within 20 s, not after more than a minute.
      volumeStatsAggPeriod: '5s',
      // Images come from archives: those removed could not be pulled again.
      imageGCHighThresholdPercent: 100,
      // The machine's disk and memory are not ours: only what is nearly full counts.
      evictionHard: {
        'memory.available': '200Mi',
        'nodefs.available': '1%',
        'imagefs.available': '1%',
        'nodefs.inodesFree': '1%',
      },
      shutdownGracePeriod: `${podsGraceSeconds + criticalGraceSeconds}s`,
      shutdownGracePeriodCriticalPods: `${criticalGraceSeconds}s`,
    },
    null,
    2,
  );
}

/** The private bus on which the kubelet hears of the machine's shutdown. */
export function renderBusConfig(socket: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="root"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow receive_requested_reply="true"/>
  </policy>
</busconfig>
`;
}
