# Makes cgroup version 2 the only one, at `/sys/fs/cgroup`, in a mount namespace of one's own.
pure_v2() {
    # Innermost mounts come last in mountinfo.
    for mount in $(awk '$5 ~ "^/sys/fs/cgroup/" { print $5 }' /proc/self/mountinfo | tac); do
        umount "$mount" || exit 1
    done
    umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
}
