# The first process of a machine with this one's Debian, before systemd takes its place: packages can be installed, in the machine alone.
set -e
mkdir -p /over
mount -t tmpfs tmpfs /over
for directory in usr etc var/lib/dpkg; do
    mkdir -p "/over/$directory/upper" "/over/$directory/work"
    mount -t overlay overlay -o "lowerdir=/$directory,upperdir=/over/$directory/upper,workdir=/over/$directory/work" "/$directory"
done
for directory in bin sbin; do
    mkdir -p "/$directory"
    mount --bind "/usr/$directory" "/$directory"
done
# The host's units are about the host.
mount -t tmpfs tmpfs /usr/lib/systemd/system
mount -t tmpfs tmpfs /etc/systemd
mkdir -p /etc/systemd/system /var/lib/apt/lists/partial /var/cache/apt/archives/partial /var/log/apt /var/tmp
# Where the host is a container, it starts no services.
rm -f /usr/sbin/policy-rc.d
ip link set lo up
# Root needs no sudo, and there need not be any. Nobody is there to be asked.
printf '#!/bin/sh\nexec env "$@"\n' >/usr/local/bin/sudo
chmod 755 /usr/local/bin/sudo
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/90-nobody-is-asked
exec /usr/lib/systemd/systemd --unit=booted.target
