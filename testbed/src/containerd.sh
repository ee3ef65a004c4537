# Usage: containerd.sh DIRECTORY NAMESPACE..., in a new mount namespace.
# Runs containerd there until standard input ends, then removes what runs in the namespaces, containerd and its state.
shift

start() {
    containerd --config "$directory/config.toml" </dev/null >>"$directory/log" 2>&1 &
    engine=$!
}
ctr() {
    command ctr --address "$directory/containerd.sock" --timeout 10s "$@" 2>/dev/null
}

obey

kill -0 "$engine" 2>/dev/null || start
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    ctr version >/dev/null && break
    sleep 0.5
done
for namespace; do
    for container in $(ctr --namespace "$namespace" tasks list --quiet); do
        ctr --namespace "$namespace" tasks delete --force "$container" >/dev/null
    done
done
kill "$engine" && wait "$engine"
# Pods' own cgroups are the kubelet's business. One that is not empty belongs to somebody else.
while read -r cgroup; do
    for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
        rmdir "$hierarchy$cgroup" 2>/dev/null
    done
done <"$directory/cgroups"
clear_away
