//! Containers that are as good as machines: they have what runs other people's services and containers.

use std::path::Path;

use tempfile::TempDir;

use super::{Client, IMAGE};
use crate::wait;

/// What `--privileged` would give, without the right to raise limits: an engine that does not have it cannot pass it on.
/// The programs are this machine's.
const OPTIONS: [&str; 10] = [
    "--cap-add=ALL",
    "--cap-drop=SYS_RESOURCE",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--security-opt=systempaths=unconfined",
    "--device-cgroup-rule=a *:* rwm",
    "--network=none",
    "--volume=/usr:/usr:ro",
    "--tmpfs=/run:exec",
    "--tmpfs=/var/lib/docker:exec",
];

/// Lets the container make cgroups, and then becomes its first process. Programs look for libraries outside of `/usr` too.
const BEGIN: &str = "\
    /bin/busybox mount -o remount,rw /sys/fs/cgroup || exit 1
    for name in lib lib64; do [ ! -e /usr/$name ] || /bin/busybox ln -s usr/$name /$name; done
    PATH=/usr/sbin:/usr/bin:/bin exec \"$@\" >/served/log 2>&1";

/// An engine in the container, with its socket and its log where a client looks for them.
const ENGINE: [&str; 10] = [
    "dockerd",
    "--host=unix:///served/docker.sock",
    "--storage-driver=vfs",
    "--exec-opt=native.cgroupdriver=cgroupfs",
    "--bridge=none",
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--ip-masq=false",
    "--userland-proxy=false",
];

/// A container that may do nearly everything, and has a directory of the host at `/served`. Dropping it removes it.
#[derive(Debug)]
pub struct Machine<'a> {
    client: &'a Client,
    /// Its id.
    pub id: String,
    directory: TempDir,
}

impl Client {
    /// Starts a machine with a first process, which has no output: that is in the file `log` of its directory.
    #[must_use]
    pub fn machine(&self, name: &str, options: &[&str], first: &[&str]) -> Machine<'_> {
        let directory = TempDir::with_prefix("ds-machine-").expect("a directory can be made");
        let volume = format!("--volume={}:/served", directory.path().display());
        // `sh` would be the one in `/usr`.
        let begin = ["/bin/sh", "-c", BEGIN, "begin"];
        let run = ["run", "--detach", "--name", name, &volume];
        let id = self.cli([&run, &OPTIONS[..], options, &[IMAGE], &begin, first].concat());
        Machine { client: self, id, directory }
    }

    /// Starts a machine that runs an engine, and returns the client of that engine, which has the image.
    #[must_use]
    pub fn engine_inside(&self, name: &str, options: &[&str]) -> (Machine<'_>, Client) {
        let machine = self.machine(name, options, &ENGINE);
        let inside = Client::new(machine.directory());
        wait::until("the engine inside the container answers", || {
            assert_eq!(self.inspect(&machine.id, "{{.State.Running}}"), "true", "{}", inside.log());
            inside.ping()
        });
        inside.import();
        (machine, inside)
    }
}

impl Machine<'_> {
    /// What it has at `/served`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        self.client.discard(&self.id);
    }
}
