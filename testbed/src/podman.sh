# Usage: podman.sh DIRECTORY.
# Serves podman's API there until standard input ends, then removes its containers and its state.

start() {
    "$directory/podman" system service --time=0 "unix://$directory/podman.sock" </dev/null >>"$directory/log" 2>&1 &
    engine=$!
}

obey

kill "$engine" 2>/dev/null && wait "$engine"
"$directory/podman" rm --all --force --time=0 >/dev/null 2>&1
# A container's monitor still writes there when the container is gone.
timeout 10 pidwait --full "^[^ ]*conmon .*$directory/"
clear_away
