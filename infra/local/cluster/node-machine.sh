# The start of a node's machine: it runs as the first process of its own process and mount namespaces, makes the folders
# in which a node's programs leave traces its own, and becomes `pause`. When it ends, the kernel kills every process of the
# node at once and takes its mounts away.
#
# $1 the node's folder   $2 the folder of the programs   $3 pause
set -eu
node=$1
programs=$2
pause=$3

# Both must stay what they are, also where they are under one of the folders that are covered below.
exec 8<"$node" 9<"$programs"

mount -t tmpfs -o mode=0755 tmpfs "$node/own"
cd "$node/own"

# The kubelet sets these for the whole machine where it finds other values: it is shown the ones it wants.
pin() {
  mkdir -p "pins/$1"
  rmdir "pins/$1"
  printf '%s\n' "$2" >"pins/$1"
  mount --bind "pins/$1" "/proc/sys/$1"
}
pin vm/overcommit_memory 1
pin vm/panic_on_oom 0
pin kernel/panic 10
pin kernel/panic_on_oops 1
pin kernel/keys/root_maxkeys 1000000
pin kernel/keys/root_maxbytes 25000000

# What is there stays visible (the machine's resolv.conf may be in /run); what is written goes to memory.
for folder in /run /var/lib /var/log; do
  mkdir -p "layers$folder/upper" "layers$folder/work"
  mount -t overlay overlay \
    -o "lowerdir=$folder,upperdir=layers$folder/upper,workdir=layers$folder/work" "$folder"
done
mkdir -p "$node" "$programs"
mount --no-canonicalize --bind /proc/self/fd/8 "$node"
mount --no-canonicalize --bind /proc/self/fd/9 "$programs"
exec 8<&- 9<&-

# What may become large is kept on disk.
own() {
  mkdir -p "$node/$1" "$2"
  mount --bind "$node/$1" "$2"
}
own kubelet /var/lib/kubelet
own containerd /var/lib/containerd
own cni /var/lib/cni
own pod-logs /var/log/pods

# As systemd does on a real machine; it reaches no further than this namespace.
mount --make-rshared /
echo ready
cd /
exec "$pause" "$node"
