# What the scripts that run an engine have in common; this text comes before theirs. They define `start`, which begins to run
# the engine and leaves its process id in `engine`.
set -u
directory=$1
PATH=$PATH:/usr/sbin:/sbin

kill_at_once() {
    kill -KILL "$engine" && wait "$engine" 2>/dev/null
}

# Starts the engine and obeys until standard input ends: a line `kill` ends the engine at once and leaves its containers, a line
# `start` starts it again.
obey() {
    start
    while read -r command; do
        case $command in
            kill) kill_at_once ;;
            start) start ;;
        esac
    done
}

# Removes the engine's state, and unmounts first what it left mounted there.
clear_away() {
    for mount in $(awk -v below="$directory/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | tac); do
        umount "$mount"
    done
    rm -rf "$directory"
}
