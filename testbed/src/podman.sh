# Usage: podman.sh DIRECTORY.
# Serves podman's API there until standard input ends, then removes its containers and its state.
# A line `kill` ends the service at once and leaves the containers, a line `start` starts it again.
set -u
directory=$1

start() {
    "$directory/podman" system service --time=0 "unix://$directory/podman.sock" </dev/null >>"$directory/log" 2>&1 &
    service=$!
}

start
while read -r command; do
    case $command in
        kill) kill -KILL "$service" && wait "$service" 2>/dev/null ;;
        start) start ;;
    esac
done

kill "$service" 2>/dev/null && wait "$service"
"$directory/podman" rm --all --force --time=0 >/dev/null 2>&1
for mount in $(awk -v below="$directory/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | tac); do
    umount "$mount"
done
rm -rf "$directory"
