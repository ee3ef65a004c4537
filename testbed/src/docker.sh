# Usage: docker.sh DIRECTORY host|pure-v2, in new mount and network namespaces.
# Runs a Docker engine there until standard input ends, then removes its containers, the engine and its state.
set -u
directory=$1
PATH=$PATH:/usr/sbin:/sbin

if [ "$2" = pure-v2 ]; then
    # Innermost mounts come last in mountinfo.
    for mount in $(awk '$5 ~ "^/sys/fs/cgroup/" { print $5 }' /proc/self/mountinfo | tac); do
        umount "$mount" || exit 1
    done
    umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
fi
# Plugin sockets of another engine.
mkdir -p /run/docker && mount -t tmpfs tmpfs /run/docker || exit 1
ip link set lo up

dockerd --data-root "$directory/data" --exec-root "$directory/exec" --pidfile "$directory/pid" \
    --host "unix://$directory/docker.sock" --exec-opt native.cgroupdriver=cgroupfs \
    --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --userland-proxy=false \
    </dev/null >"$directory/log" 2>&1 &
engine=$!

cat >/dev/null

export DOCKER_HOST="unix://$directory/docker.sock" DOCKER_CONFIG="$directory"
containers=$(docker ps --all --quiet 2>/dev/null) && [ -n "$containers" ] && docker rm --force $containers >/dev/null 2>&1
kill "$engine" && wait "$engine"
rm -rf "$directory"
