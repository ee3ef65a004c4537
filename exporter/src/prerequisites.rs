//! What the machine must offer, and what to do where it does not.

#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::identity::hierarchy;

/// The oldest kernel that has everything: cgroup ids, ring buffers, and the sockets' cgroup as a plain pointer.
const KERNEL_MIN: (u32, u32) = (6, 1);

const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// One prerequisite and how it is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub name: &'static str,
    /// Whether nothing works without it.
    pub required: bool,
    /// What was found.
    pub outcome: Outcome,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is there.
    Pass(String),
    /// It is not.
    Fail {
        /// What was found instead.
        found: String,
        /// What to do.
        way_out: String,
    },
}

/// Where the machine is looked at.
#[derive(Clone, Debug)]
pub struct Roots {
    /// `/proc`.
    pub proc: PathBuf,
    /// `/sys`.
    pub sys: PathBuf,
    /// The root of the machine whose containers are counted.
    pub host: PathBuf,
    /// Where docker keeps its state.
    pub docker: PathBuf,
}

impl Roots {
    /// The real ones; `docker` is counted from `host_root`.
    #[must_use]
    pub fn real(host_root: &Path, docker: &Path) -> Self {
        // Mounts are listed where they really are.
        let host = host_root.canonicalize().unwrap_or_else(|_| host_root.to_owned());
        let docker = host.join(docker.strip_prefix("/").unwrap_or(docker));
        Self { proc: "/proc".into(), sys: "/sys".into(), host, docker }
    }
}

/// Checks everything, in the order in which things are needed.
#[must_use]
pub fn all(roots: &Roots) -> Vec<Check> {
    let Roots { proc, sys, host, docker } = roots;
    let read = |path: &str| fs::read_to_string(proc.join(path)).unwrap_or_default();
    let (status, mounts) = (read("self/status"), read("self/mountinfo"));
    vec![
        kernel(read("sys/kernel/osrelease").trim()),
        btf(&sys.join("kernel/btf/vmlinux")),
        capabilities(&status),
        user_namespace(&read("self/uid_map")),
        cgroup2(&mounts, host),
        tracefs(&mounts),
        self::docker(docker, &status),
    ]
}

/// What is required and not met, on one line.
#[must_use]
pub fn missing(checks: &[Check]) -> Option<String> {
    let lines: Vec<String> = checks
        .iter()
        .filter(|check| check.required)
        .filter_map(|Check { name, outcome, .. }| match outcome {
            Outcome::Pass(_) => None,
            Outcome::Fail { found, way_out } => Some(format!("{name}: {found}, {way_out}")),
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// The kernel's version, from its release (`6.1.0-18-amd64`).
#[must_use]
pub fn kernel(release: &str) -> Check {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let version = match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    };
    let (major, minor) = KERNEL_MIN;
    let outcome = if version >= Some(KERNEL_MIN) {
        Outcome::Pass(format!("`{release}` ({major}.{minor} or newer is needed)"))
    } else {
        fail(format!("`{release}` is too old"), format!("boot {major}.{minor} or newer"))
    };
    Check { name: "kernel", required: true, outcome }
}

/// The kernel's description of its own types.
#[must_use]
pub fn btf(path: &Path) -> Check {
    let outcome = match fs::File::open(path) {
        Ok(_) => Outcome::Pass(format!("`{}` is readable", path.display())),
        Err(error) => fail(
            format!("`{}` is not readable ({error})", path.display()),
            "boot a kernel with `CONFIG_DEBUG_INFO_BTF=y`, or mount `/sys` into this container",
        ),
    };
    Check { name: "btf", required: true, outcome }
}

/// The capabilities that loading and attaching programs takes, from `/proc/self/status`.
#[must_use]
pub fn capabilities(status: &str) -> Check {
    let effective = effective(status);
    let lacking: Vec<&str> = [(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")]
        .into_iter()
        .filter(|(capability, _)| !has(effective, *capability) && !has(effective, CAP_SYS_ADMIN))
        .map(|(_, name)| name)
        .collect();
    let outcome = if lacking.is_empty() {
        Outcome::Pass("`CAP_BPF` and `CAP_PERFMON` are there".to_owned())
    } else {
        fail(
            format!("`{}` missing", lacking.join("` and `")),
            "run it as root or grant `CAP_BPF,CAP_PERFMON` (`AmbientCapabilities=` of systemd, `capabilities.add` of a container)",
        )
    };
    Check { name: "capabilities", required: true, outcome }
}

/// Whether capabilities count for the kernel as a whole, from `/proc/self/uid_map`.
#[must_use]
pub fn user_namespace(uid_map: &str) -> Check {
    let whole = uid_map.split_whitespace().eq(["0", "0", "4294967295"]);
    let outcome = if whole {
        Outcome::Pass("this is the machine's own".to_owned())
    } else {
        fail(
            "this process is in another one, where capabilities do not reach the kernel".to_owned(),
            "run it outside rootless containers and `unshare --user`",
        )
    };
    Check { name: "user namespace", required: true, outcome }
}

/// The cgroup v2 hierarchy of the machine with this root, alone or beside version 1, from `/proc/self/mountinfo`.
#[must_use]
pub fn cgroup2(mountinfo: &str, host_root: &Path) -> Check {
    let outcome = match hierarchy::find(mountinfo, host_root) {
        Some(path) if mount_point(mountinfo, "cgroup").is_some() => {
            Outcome::Pass(format!("`{}`, beside hierarchies of version 1", path.display()))
        }
        Some(path) => Outcome::Pass(format!("`{}`", path.display())),
        None => fail(
            format!("the hierarchy of version 2 is not mounted below `{}`", host_root.display()),
            "boot with `systemd.unified_cgroup_hierarchy=1`, or mount `/sys/fs/cgroup` into this container",
        ),
    };
    Check { name: "cgroup v2", required: true, outcome }
}

/// The files of the tracepoints, from `/proc/self/mountinfo`.
#[must_use]
pub fn tracefs(mountinfo: &str) -> Check {
    let outcome = match mount_point(mountinfo, "tracefs") {
        Some(path) => Outcome::Pass(format!("`{path}`")),
        None => {
            let found =
                "it is not mounted; no probe needs it, and for named tracepoints it is mounted at no place".to_owned();
            fail(found, "`mount -t tracefs tracefs /sys/kernel/tracing` where `CAP_SYS_ADMIN` is missing")
        }
    };
    Check { name: "tracefs", required: false, outcome }
}

/// Docker's state, which holds the names of its containers.
#[must_use]
pub fn docker(root: &Path, status: &str) -> Check {
    let containers = root.join("containers");
    let outcome = match fs::read_dir(&containers) {
        Ok(_) => Outcome::Pass(format!("`{}` is readable", containers.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => fail(
            format!("`{}` is not there", containers.display()),
            "nothing to do unless docker runs here: set `identity.docker_root`",
        ),
        Err(error) => {
            let effective = effective(status);
            let way_out = if has(effective, CAP_DAC_READ_SEARCH) || has(effective, CAP_DAC_OVERRIDE) {
                "look at the file system's permissions"
            } else {
                "grant `CAP_DAC_READ_SEARCH`, without which docker's containers have no names"
            };
            fail(format!("`{}` is not readable ({error})", containers.display()), way_out)
        }
    };
    Check { name: "docker", required: false, outcome }
}

fn fail(found: String, way_out: impl Into<String>) -> Outcome {
    Outcome::Fail { found, way_out: way_out.into() }
}

fn effective(status: &str) -> u64 {
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
}

fn has(set: u64, capability: u32) -> bool {
    set >> capability & 1 == 1
}

/// Where a file system of this type is mounted first (proc(5): the type follows a lone dash).
fn mount_point<'a>(mountinfo: &'a str, kind: &str) -> Option<&'a str> {
    mountinfo.lines().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        (file_system.split(' ').next() == Some(kind)).then(|| mount.split(' ').nth(4)).flatten()
    })
}
