//! A machine that systemd has booted: a container without an engine that may do everything.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{bare::CRUN, rootfs, shell, wait};

/// All capabilities, with those that docker 20.10 does not know and cannot give.
const CAPABILITIES: &str = "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE \
    DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN \
    NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE \
    SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_TIME SYS_TTY_CONFIG WAKE_ALARM";

/// The only target; nothing belongs to it.
const TARGET: (&str, &str) = ("booted.target", "[Unit]\nDefaultDependencies=no\n");

/// Those that units need which are services as usual. None does anything.
const USUAL_TARGETS: [&str; 6] =
    ["sysinit.target", "basic.target", "multi-user.target", "network.target", "shutdown.target", "sockets.target"];

/// What is on a machine, and what its first process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// Programs alone, in the network of the host.
    Programs,
    /// Debian with the host's packages, in a network of its own.
    Debian,
}

impl Base {
    /// Paths of the host that are on the machine too, read-only.
    fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Programs => &["/usr"],
            Self::Debian => &["/usr", "/etc", "/var/lib/dpkg"],
        }
    }

    fn first_process(self) -> Vec<String> {
        match self {
            Self::Programs => vec!["/usr/lib/systemd/systemd".to_owned(), format!("--unit={}", TARGET.0)],
            Self::Debian => ["/bin/busybox", "sh", "-c", include_str!("debian.sh")].map(str::to_owned).into(),
        }
    }

    fn unit_path(self) -> &'static str {
        match self {
            Self::Programs => "/units",
            Self::Debian => "/units:/etc/systemd/system:/usr/lib/systemd/system",
        }
    }

    fn namespaces(self) -> Vec<Value> {
        let own = ["pid", "ipc", "uts", "mount"].into_iter().chain((self == Self::Debian).then_some("network"));
        own.map(|kind| json!({ "type": kind })).collect()
    }
}

/// A running machine. Dropping it ends everything in it and removes it.
#[derive(Debug)]
pub struct Booted {
    directory: TempDir,
    id: String,
}

impl Booted {
    /// Boots with units, and drop-ins such as `a.service.d/b.conf`, and with paths of the host at others of the machine, read-only.
    /// Units need `DefaultDependencies=no`: there are no others.
    #[must_use]
    pub fn start(units: &[(&str, &str)], mounts: &[(&Path, &str)]) -> Self {
        Self::start_with(Base::Programs, units, mounts)
    }

    /// Boots a Debian with the packages of this one, in a network of its own. Packages can be installed and removed, which nobody
    /// else notices; their units are the only ones beside those that are given.
    #[must_use]
    pub fn debian(units: &[(&str, &str)], mounts: &[(&Path, &str)]) -> Self {
        let usual = USUAL_TARGETS.map(|name| (name, TARGET.1));
        Self::start_with(Base::Debian, &[&usual[..], units].concat(), mounts)
    }

    fn start_with(base: Base, units: &[(&str, &str)], mounts: &[(&Path, &str)]) -> Self {
        let directory = TempDir::with_prefix("ds-booted-").expect("a directory can be made");
        let id = directory.path().file_name().expect("it has a name").to_string_lossy().into_owned();
        let machine = Self { directory, id };
        for (name, text) in units.iter().chain([&TARGET]) {
            machine.put(&format!("units/{name}"), text);
        }
        let root = machine.root();
        rootfs::fill(&root);
        for name in ["lib", "lib64"] {
            symlink(format!("usr/{name}"), root.join(name)).expect("a link can be made");
        }
        machine.put("config.json", &specification(base, machine.directory.path(), &machine.id, mounts).to_string());
        let log = fs::File::create(machine.directory.path().join("log")).expect("a file can be written");
        let mut crun = machine.crun();
        crun.args(["run", "--detach", "--bundle"]).arg(machine.directory.path()).arg(&machine.id);
        // What it inherits must not be a pipe that somebody reads to its end.
        crun.stdin(Stdio::null()).stdout(log.try_clone().expect("a file can be shared")).stderr(log);
        let status = crun.status();
        assert!(status.is_ok_and(|status| status.success()), "{crun:?} failed: {}", machine.log());
        wait::until("systemd has booted", || {
            machine.command(&["/usr/bin/systemctl", "is-active", TARGET.0]).status.success().then_some(())
        });
        machine
    }

    /// Writes a file of its root file system, where that has nothing of the host's.
    pub fn write(&self, path: &str, text: &str) {
        self.put(&format!("rootfs{path}"), text);
    }

    /// A file of its root file system, as the host sees it.
    #[must_use]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path.trim_start_matches('/'))).unwrap_or_default()
    }

    /// Runs a command in it to its end.
    #[must_use]
    pub fn command(&self, command: &[&str]) -> Output {
        shell::output(self.crun().args(["exec", &self.id]).args(command))
    }

    /// Runs a command in it and returns what it prints. Panics when it fails.
    #[must_use]
    pub fn run(&self, command: &[&str]) -> String {
        let output = self.command(command);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        assert!(output.status.success(), "{command:?} failed: {}\n{}", text(&output.stderr), self.log());
        text(&output.stdout)
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("rootfs")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in a directory")).expect("a directory can be made");
        fs::write(path, text).expect("a file can be written");
    }

    fn crun(&self) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation=private", "sh", "-c", CRUN, "crun"]);
        command.arg("--root").arg(self.directory.path().join("state"));
        command
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        drop(self.crun().args(["delete", "--force", &self.id]).output());
    }
}

fn specification(base: Base, directory: &Path, id: &str, mounts: &[(&Path, &str)]) -> Value {
    let capabilities: Vec<_> = CAPABILITIES.split_whitespace().map(|name| format!("CAP_{name}")).collect();
    let units = directory.join("units");
    let own = ["/dev", "/run", "/tmp"].map(|path| json!({ "destination": path, "type": "tmpfs", "source": "tmpfs" }));
    let kernel = [("/proc", "proc"), ("/sys", "sysfs"), ("/sys/fs/cgroup", "cgroup")]
        .map(|(path, kind)| json!({ "destination": path, "type": kind, "source": kind }));
    let given = base
        .paths()
        .iter()
        .map(|path| (Path::new(*path), *path))
        .chain([(&*units, "/units")])
        .chain(mounts.iter().copied());
    let given = given
        .map(|(host, path)| json!({ "destination": path, "type": "bind", "source": host, "options": ["rbind", "ro"] }));
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": base.first_process(),
            "env": [
                "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=oci", "SYSTEMD_GENERATOR_PATH=/none",
                format!("SYSTEMD_UNIT_PATH={}", base.unit_path()),
            ],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities, "inheritable": capabilities,
            },
        },
        "root": { "path": directory.join("rootfs"), "readonly": false },
        "hostname": "machine",
        "mounts": kernel.into_iter().chain(own).chain(given).collect::<Vec<_>>(),
        "linux": {
            "cgroupsPath": format!("/{id}"),
            "namespaces": base.namespaces(),
        },
    })
}
