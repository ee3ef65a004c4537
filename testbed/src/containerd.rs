//! A containerd of one's own, with what a kubelet asks of it: nobody else's containers are touched, and all of it ends with its
//! user.

mod image;
mod kubelet;
mod messages;

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

pub use self::kubelet::{ContainerSpec, HostMount, Pod, PodSpec, Security};
use self::kubelet::{Kubelet, Processes};
use crate::{
    shell,
    supervisor::{self, Supervisor},
    wait,
};

/// The image that every containerd has, in the namespaces of [`NAMESPACES`].
pub const IMAGE: &str = "registry.local/testbed:1";

/// containerd's namespaces that are used here: the kubelet's and the default of containerd's own clients.
pub const NAMESPACES: [&str; 2] = ["k8s.io", "default"];

/// Starts containerd and cleans up when its standard input ends, which it does with this process, however that ends.
const SUPERVISOR: &str = concat!(include_str!("supervisor.sh"), include_str!("containerd.sh"));

/// A running containerd. Dropping it ends its containers and itself.
#[derive(Debug)]
pub struct Containerd {
    supervisor: Supervisor,
    kubelet: Kubelet,
    directory: TempDir,
}

impl Containerd {
    /// Starts containerd, in a mount namespace of its own, and gives it the image.
    #[must_use]
    pub fn start() -> Self {
        let directory = TempDir::with_prefix("ds-containerd-").expect("a directory can be made");
        fs::write(directory.path().join("config.toml"), config(directory.path())).expect("a file can be written");
        fs::write(directory.path().join("cgroups"), "").expect("a file can be written");
        let supervisor = Supervisor::start(
            supervisor::command("unshare")
                .args(["--mount", "--propagation=private", "sh", "-c", SUPERVISOR, "containerd.sh"])
                .arg(directory.path())
                .args(NAMESPACES),
        );
        let kubelet = Kubelet::new(&socket(directory.path()));
        let mut containerd = Self { supervisor, kubelet, directory };
        wait::until("containerd answers", || {
            assert_eq!(containerd.supervisor.ended(), None, "{}", containerd.log());
            containerd.kubelet.is_answered().then_some(())
        });
        let archive = image::archive(containerd.directory.path(), IMAGE);
        for namespace in NAMESPACES {
            let arguments = ["images", "import", "--no-unpack"].map(OsStr::new);
            containerd.ctr(namespace, arguments.into_iter().chain([archive.as_os_str()]));
        }
        containerd
    }

    /// The socket, on which it serves its own API and CRI.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(self.directory.path())
    }

    /// Where a path of a machine with containerd is here: its state and its data are elsewhere.
    #[must_use]
    pub fn path(&self, usual: &Path) -> PathBuf {
        let places = [
            ("/run/containerd", self.run().join("containerd")),
            ("/var/lib/containerd", self.directory.path().join("root")),
        ];
        let own = places.iter().find_map(|(place, own)| Some(own.join(usual.strip_prefix(place).ok()?)));
        own.unwrap_or_else(|| usual.to_owned())
    }

    /// The directory that holds the directory `containerd` of its state, as `/run` otherwise.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// Runs a command of `ctr` in a namespace and returns what it prints. Panics when it fails.
    pub fn ctr<S: AsRef<OsStr>>(&self, namespace: &str, arguments: impl IntoIterator<Item = S>) -> String {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.socket()).args(["--namespace", namespace]).args(arguments);
        let output = shell::output(&mut command);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        assert!(output.status.success(), "{command:?} failed: {}\n{}", text(&output.stderr), self.log());
        text(&output.stdout)
    }

    /// Starts a container in the background, as a client of containerd's own API, in the namespace `default`.
    pub fn run_container(&self, id: &str, options: &[&str], command: &[&str]) {
        let run = ["run", "--detach", "--snapshotter=native"];
        self.ctr("default", [&run[..], options, &[IMAGE, id], command].concat());
    }

    /// Starts a pod in the network of the host.
    #[must_use]
    pub fn pod(&self, spec: &PodSpec<'_>) -> Pod<'_> {
        self.pod_with(spec, Processes::Own)
    }

    /// The same for one that sees the host's processes (`hostPID`).
    #[must_use]
    pub fn pod_with_host_pids(&self, spec: &PodSpec<'_>) -> Pod<'_> {
        self.pod_with(spec, Processes::Host)
    }

    fn pod_with(&self, spec: &PodSpec<'_>, processes: Processes) -> Pod<'_> {
        let parent = spec.cgroup();
        let cgroups = fs::OpenOptions::new().append(true).open(self.directory.path().join("cgroups"));
        cgroups.and_then(|mut file| writeln!(file, "{parent}")).expect("a file can be written");
        self.kubelet.pod(spec, &parent, processes)
    }

    /// Ends it at once. Its containers go on.
    pub fn kill(&self) {
        self.supervisor.say("kill");
        wait::until("nobody listens to containerd's socket", || UnixStream::connect(self.socket()).err());
    }

    /// Starts it again after [`Self::kill`].
    pub fn start_again(&self) {
        self.supervisor.say("start");
        wait::until("containerd answers again", || self.kubelet.is_answered().then_some(()));
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        format!("containerd's log ends with:\n{}", lines[lines.len().saturating_sub(5)..].join("\n"))
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("containerd.sock")
}

/// Its configuration. What needs file systems or privileges that a test machine may not have is left out.
fn config(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        r#"version = 2
root = "{directory}/root"
state = "{directory}/run/containerd"
disabled_plugins = [
    "io.containerd.internal.v1.opt",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "{directory}/containerd.sock"

[ttrpc]
address = "{directory}/containerd.sock.ttrpc"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{IMAGE}"
restrict_oom_score_adj = true
disable_tcp_service = true

[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "{directory}/cni"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"#
    )
}
