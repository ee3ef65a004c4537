//! What the exporter still needs when everything is open, by what it was told to do.

use std::{
    fs,
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    process::geteuid,
    thread::{CapabilitySet, capabilities},
};

use crate::{
    config::{Config, otlp::Connection},
    identity::{hierarchy, roots::Roots},
};

/// Where a program finds the certificates that a machine trusts, and what finds the addresses of names: as distributions have
/// it.
const TRUSTED: [&str; 9] = [
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates/extracted",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
];
const NAMES: [&str; 7] = [
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/run/systemd/resolve",
    "/run/resolvconf",
];

/// What the allocator and the runtime ask about the machine, and what is read of each.
const MACHINE: [&str; 4] =
    ["/proc", "/sys/devices/system/cpu", "/sys/kernel/btf", "/sys/kernel/mm/transparent_hugepage"];

/// The variables that say where else these certificates are.
const TRUSTED_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// What is needed.
#[derive(Clone, Copy, Debug)]
pub struct Needs<'a> {
    /// What the exporter was told.
    pub config: &'a Config,
    /// The file where that is written.
    pub config_file: Option<&'a Path>,
    /// What the web side reads again when it changes.
    pub web_files: &'a [PathBuf],
    /// Where the trace file system is, if it was found.
    pub tracefs: Option<&'a Path>,
    /// Whether traces can begin, for which programs are loaded and attached.
    pub traces: bool,
}

impl Needs<'_> {
    /// Whether something is sent by OTLP.
    pub(super) fn otlp(&self) -> bool {
        self.connections().next().is_some()
    }

    /// Whether runtimes are asked.
    pub(super) fn runtimes(&self) -> bool {
        self.sockets().next().is_some()
    }

    /// The directory in which events wait.
    pub(super) fn queue(&self) -> Option<&Path> {
        self.config.otlp.logs.as_ref()?.queue.directory.as_deref()
    }

    /// The capabilities, as far as they are there.
    pub(super) fn capabilities(&self) -> CapabilitySet {
        let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
        let mut needed = CapabilitySet::DAC_READ_SEARCH;
        let programs = CapabilitySet::BPF | CapabilitySet::PERFMON;
        if self.traces {
            needed |= if held.contains(programs) { programs } else { programs | CapabilitySet::SYS_ADMIN };
        }
        // Files of another user's are read with the one above, written to and connected to with this one.
        let has_others =
            self.queue().into_iter().map(Path::to_owned).chain(self.sockets()).any(|path| is_anothers(&path));
        if has_others || !held.contains(CapabilitySet::DAC_READ_SEARCH) {
            needed |= CapabilitySet::DAC_OVERRIDE;
        }
        held & needed
    }

    /// What is read, opened for neither reading nor writing: whole directories, and single files.
    pub(super) fn read(&self) -> Vec<OwnedFd> {
        let mut opened = self.machine();
        let mut places: Vec<PathBuf> = MACHINE.iter().map(PathBuf::from).collect();
        if let Some(file) = self.config_file {
            places.push(surroundings(file));
        }
        places.extend(self.web_files.iter().map(|file| surroundings(file)));
        if self.otlp() {
            places.extend(TRUSTED.iter().chain(&NAMES).map(PathBuf::from));
            places.push(self.config.identity.host_root.join("etc/machine-id"));
            places.extend(TRUSTED_VARIABLES.iter().filter_map(std::env::var_os).map(PathBuf::from));
        }
        for Connection { tls, .. } in self.connections() {
            places.extend(tls.authority.as_deref().map(surroundings));
            places.extend(
                tls.client.iter().flat_map(|(certificate, key)| [certificate, key]).map(|path| surroundings(path)),
            );
        }
        if self.traces {
            let tracefs = ["sys/kernel/tracing", "sys/kernel/debug/tracing"];
            places.extend(tracefs.map(|path| self.config.identity.host_root.join(path)));
        }
        places.extend(self.tracefs.map(Path::to_owned));
        opened.extend(places.iter().filter_map(|path| super::landlock::place(path)));
        opened
    }

    /// What is read of the machine to name its containers.
    fn machine(&self) -> Vec<OwnedFd> {
        let identity = &self.config.identity;
        let host_root = identity.host_root.canonicalize().unwrap_or_else(|_| identity.host_root.clone());
        let mountinfo = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let hierarchy = hierarchy::find(&mountinfo, &host_root).unwrap_or_else(|| host_root.join("sys/fs/cgroup"));
        Roots { docker: identity.docker_root.clone(), ..Roots::below(&host_root, hierarchy) }.read()
    }

    fn sockets(&self) -> impl Iterator<Item = PathBuf> {
        let identity = &self.config.identity;
        let sockets = &identity.sockets;
        let paths = sockets.docker.iter().chain(&sockets.cri).chain(&sockets.containerd);
        paths.map(|path| identity.host_root.join(path.strip_prefix("/").unwrap_or(path)))
    }

    /// How collectors are spoken to.
    pub(super) fn connections(&self) -> impl Iterator<Item = &Connection> {
        let otlp = &self.config.otlp;
        let logs = otlp.logs.iter().map(|logs| &logs.connection);
        logs.chain(otlp.metrics.iter().map(|metrics| &metrics.connection))
    }
}

/// Whether somebody else owns it, or may when it is made.
fn is_anothers(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |found| found.uid() != geteuid().as_raw())
}

/// The directory of a file, which may be replaced by another one of the same name; the file alone where others are in the
/// directory that are nobody's business.
pub(super) fn surroundings(file: &Path) -> PathBuf {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    match file.parent() {
        Some(directory) if directory.components().count() > 2 => directory.to_owned(),
        _ => file,
    }
}
