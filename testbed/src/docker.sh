# Usage: docker.sh DIRECTORY host|pure-v2 none|networks|registry, in new mount and network namespaces.
# Runs a Docker engine there until standard input ends, then removes its containers, the engine and its state.

[ "$2" != pure-v2 ] || pure_v2
# Plugin sockets of another engine.
mkdir -p /run/docker && mount -t tmpfs tmpfs /run/docker || exit 1
ip link set lo up

# Networks need rules for packets, and processes that take what comes to published ports.
[ "$3" = networks ] || without_networks="--iptables=false --ip-forward=false --ip-masq=false --userland-proxy=false"

# A registry of images at a name that nobody has otherwise, without TLS.
start_registry() {
    mkdir "$directory/images"
    printf '127.0.0.1 localhost registry.example\n' >"$directory/hosts"
    mount --bind "$directory/hosts" /etc/hosts || exit 1
    cat >"$directory/registry.yml" <<CONFIGURATION
version: 0.1
storage: {filesystem: {rootdirectory: $directory/images}}
http: {addr: "127.0.0.1:80"}
CONFIGURATION
    docker-registry serve "$directory/registry.yml" </dev/null >"$directory/registry.log" 2>&1 &
    registry=$!
    with_registry="--insecure-registry=registry.example"
}
[ "$3" != registry ] || start_registry

start() {
    # shellcheck disable=SC2086
    dockerd --data-root "$directory/data" --exec-root "$directory/exec" --pidfile "$directory/pid" \
        --host "unix://$directory/docker.sock" --exec-opt native.cgroupdriver=cgroupfs \
        --bridge=none --ip6tables=false ${without_networks-} ${with_registry-} \
        </dev/null >>"$directory/log" 2>&1 &
    engine=$!
}

kill_at_once() {
    kill -KILL "$engine" && wait "$engine" 2>/dev/null
    # Its containerd ends with it. Until somebody reaps that, the next engine would take it for a running one.
    rm -f "$directory/exec/containerd/containerd.pid"
}

obey

export DOCKER_HOST="unix://$directory/docker.sock" DOCKER_CONFIG="$directory"
kill -0 "$engine" 2>/dev/null || start
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    docker version >/dev/null 2>&1 && break
    sleep 0.5
done
containers=$(docker ps --all --quiet 2>/dev/null) && [ -n "$containers" ] && docker rm --force $containers >/dev/null 2>&1
kill "$engine" && wait "$engine"
[ -z "${registry-}" ] || { kill "$registry" && wait "$registry" 2>/dev/null; }
clear_away
