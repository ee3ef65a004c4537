# What podman.sh needs to run as an ordinary user; this text comes before it.
# Usage: podman.sh DIRECTORY USER CGROUP, in a new mount namespace.
# There the user of this number exists, has ids for the users inside containers, and a part of the cgroups, as systemd gives one
# to each user. Only version 2 can be given away.
user=$2
own=/sys/fs/cgroup$3

# Ends what the user still runs, and removes the user's cgroups.
leave() {
    echo 1 >"$own/cgroup.kill"
    while grep -q '^populated 1' "$own/cgroup.events"; do sleep 0.05; done
    find "${own%/*}" -depth -type d -exec rmdir {} \;
}

pure_v2
trap leave EXIT
mkdir -p "$own/podman" "$directory/etc" "$directory/home" "$directory/runtime" || exit 1
for file in passwd subuid subgid; do
    cp "/etc/$file" "$directory/etc/" || exit 1
done
echo "testbed:x:$user:$user::$directory/home:/bin/sh" >>"$directory/etc/passwd"
for file in subuid subgid; do
    echo "testbed:1900000000:65536" >>"$directory/etc/$file"
done
for file in passwd subuid subgid; do
    mount --bind "$directory/etc/$file" "/etc/$file" || exit 1
done
chown "$user:$user" "$directory" "$directory/home" "$directory/runtime" || exit 1
chown -R "$user:$user" "$own" || exit 1
chmod 755 "$directory"
echo $$ >"$directory/pid"
