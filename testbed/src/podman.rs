//! A podman of one's own, with its service: nobody else's containers are touched, and all of it ends with its user.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::PathBuf,
    process::Command,
};

use tempfile::TempDir;

use crate::{
    rootfs, shell,
    supervisor::{self, Supervisor},
    wait,
};

/// The image that it has.
pub const IMAGE: &str = "localhost/testbed:latest";

/// A number that no machine gives to a user by itself.
pub const USER: u32 = 60_700;

/// Starts the service and cleans up when its standard input ends, which it does with this process, however that ends.
const SUPERVISOR: &str = concat!(include_str!("supervisor.sh"), include_str!("podman.sh"));

/// The same for an ordinary user.
const ROOTLESS: &str = concat!(
    include_str!("supervisor.sh"),
    include_str!("pure_v2.sh"),
    include_str!("rootless.sh"),
    include_str!("podman.sh")
);

/// What lets podman run containers without systemd and without the right to raise limits. Locks in files are nobody else's.
const SETTINGS: &str = r#"
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
oom_score_adj = 0
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
"#;

/// A podman and its running service. Dropping it removes its containers and ends it.
#[derive(Debug)]
pub struct Podman {
    supervisor: Supervisor,
    /// Options of every container.
    options: Vec<String>,
    directory: TempDir,
}

impl Podman {
    /// Starts a service, and gives it the image.
    #[must_use]
    pub fn start() -> Self {
        let directory = TempDir::with_prefix("ds-podman-").expect("a directory can be made");
        let at = directory.path().display();
        let podman = format!(
            "CONTAINERS_CONF={at}/containers.conf exec podman --root={at}/root --runroot={at}/run \
             --tmpdir={at}/tmp --network-config-dir={at}/networks --storage-driver=vfs --runtime=runc \"$@\""
        );
        let mut supervisor = supervisor::command("sh");
        supervisor.args(["-c", SUPERVISOR, "podman.sh"]).arg(directory.path());
        Self::with(directory, &podman, Vec::new(), &mut supervisor)
    }

    /// Starts a service of an ordinary user, [`USER`], who exists in its mount namespace only, and gives it the image.
    #[must_use]
    pub fn rootless() -> Self {
        let directory = TempDir::with_prefix("ds-podman-").expect("a directory can be made");
        let (at, cgroup) = (directory.path().display(), user_cgroup());
        // Root joins the user's cgroups and becomes the user.
        let podman = format!(
            r#"exec nsenter --mount="/proc/$(cat {at}/pid)/ns/mnt" sh -c '
            echo 0 >/sys/fs/cgroup{cgroup}/podman/cgroup.procs &&
            exec setpriv --reuid={USER} --regid={USER} --clear-groups env --ignore-environment PATH="$PATH" HOME={at}/home \
                XDG_RUNTIME_DIR={at}/runtime CONTAINERS_CONF={at}/containers.conf \
                podman --storage-driver=vfs --runtime=crun "$@"' podman "$@""#
        );
        let options = vec![format!("--cgroup-parent={cgroup}/containers")];
        let mut supervisor = supervisor::command("unshare");
        supervisor.args(["--mount", "--propagation=private", "sh", "-c", ROOTLESS, "podman.sh"]);
        supervisor.arg(directory.path()).args([&USER.to_string(), &cgroup]);
        Self::with(directory, &podman, options, &mut supervisor)
    }

    /// Writes the script that is podman, and has the supervisor run it.
    fn with(directory: TempDir, podman: &str, options: Vec<String>, supervisor: &mut Command) -> Self {
        let command = directory.path().join("podman");
        fs::write(directory.path().join("containers.conf"), SETTINGS).expect("a file can be written");
        fs::write(&command, format!("#!/bin/sh\n{podman}\n")).expect("a file can be written");
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).expect("a file can be made a program");
        let podman = Self { supervisor: Supervisor::start(supervisor), options, directory };
        podman.await_answer();
        let (root, archive) = (podman.directory.path().join("rootfs"), podman.directory.path().join("rootfs.tar"));
        rootfs::fill(&root);
        shell::run("tar", [OsStr::new("-C"), root.as_os_str(), "-cf".as_ref(), archive.as_os_str(), ".".as_ref()]);
        podman.cli([OsStr::new("import"), archive.as_os_str(), IMAGE.as_ref()]);
        podman
    }

    /// Runs a command of podman and returns what it prints. Panics when it fails.
    pub fn cli<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let mut command = Command::new(self.directory.path().join("podman"));
        command.args(arguments);
        let output = shell::output(&mut command);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        assert!(output.status.success(), "{command:?} failed: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Starts a container in the background and returns its id.
    pub fn run(&self, options: &[&str], command: &[&str]) -> String {
        let common: Vec<_> = self.options.iter().map(String::as_str).collect();
        self.cli([&["run", "--detach", "--network=none"], &common[..], options, &[IMAGE], command].concat())
    }

    /// The directory of root's storage, as `/var/lib/containers/storage` otherwise.
    #[must_use]
    pub fn storage(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Where its service is asked.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("podman.sock")
    }

    /// Ends the service at once, as a crash does. Containers go on.
    pub fn kill(&self) {
        self.supervisor.say("kill");
        wait::until("nobody listens to the service's socket", || UnixStream::connect(self.socket()).err());
    }

    /// Starts the service again after [`Self::kill`].
    pub fn start_again(&self) {
        self.supervisor.say("start");
        self.await_answer();
    }

    /// A process that has its mount namespace.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.supervisor.pid()
    }

    fn await_answer(&self) {
        wait::until("podman's service listens", || UnixStream::connect(self.socket()).ok());
    }
}

/// What systemd gives to an ordinary user of the hierarchy.
#[must_use]
pub fn user_cgroup() -> String {
    format!("/user.slice/user-{USER}.slice/user@{USER}.service")
}

/// Why there are no containers of ordinary users on this machine, if that is so.
#[must_use]
pub fn no_user_namespaces() -> Option<String> {
    let user = USER.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "unshare", "--user", "true"]);
    let output = shell::output(&mut command);
    let why = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    (!output.status.success()).then(|| format!("ordinary users may not make user namespaces here: {why}"))
}
