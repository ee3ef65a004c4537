//! Files, ports and processes (landlock(7)). What is not named here cannot be reached, whatever the exporter's user may do.

use std::{
    fs,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus, NetPort,
    PathBeneath, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus,
    Scope, make_bitflags,
};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};

use super::Needs;

/// The newest that this knows. Of what the kernel does not have, the rest is taken.
const KNOWN: ABI = ABI::V7;

/// The port of the service that knows addresses, which answers by TCP when an answer is long.
const DNS: u16 = 53;

/// Restricts this thread, and all that it makes. Returns what of it the kernel has, or why there is nothing of it.
pub(super) fn restrict(needs: &Needs<'_>) -> Result<String, String> {
    if hides_processes(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()) {
        return Err("`/proc` is mounted with `hidepid`, and would then show no other process at all".to_owned());
    }
    let text = |error: RulesetError| crate::error::chain(&error);
    let status = ruleset(needs).and_then(RulesetCreated::restrict_self).map_err(text)?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Err("the kernel has it switched off; boot with `lsm=landlock,…`".to_owned())
        }
        (RulesetStatus::NotEnforced, _) => Err("the kernel does not have it".to_owned()),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(format!("ABI {}", effective_abi as i32)),
        (_, _) => Ok(String::new()),
    }
}

fn ruleset(needs: &Needs<'_>) -> Result<RulesetCreated, RulesetError> {
    let mut scopes = BitFlags::from(Scope::Signal);
    // systemd's socket can be one of those that are in no directory.
    if !std::env::var_os("NOTIFY_SOCKET").is_some_and(|socket| socket.as_encoded_bytes().starts_with(b"@")) {
        scopes |= Scope::AbstractUnixSocket;
    }
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(scopes)?
        .create()?;
    for place in needs.read() {
        let access = read(&place);
        ruleset = ruleset.add_rule(PathBeneath::new(place, access))?;
    }
    if let Some(queue) = needs.queue().and_then(place) {
        let write = make_bitflags!(AccessFs::{WriteFile | Truncate | MakeReg | RemoveFile});
        let access = read(&queue) | write;
        ruleset = ruleset.add_rule(PathBeneath::new(queue, access))?;
    }
    // The socket is removed in the end.
    if let Some(directory) = needs.config.api.socket.as_deref().and_then(Path::parent).and_then(place) {
        ruleset = ruleset.add_rule(PathBeneath::new(directory, AccessFs::RemoveFile))?;
    }
    for port in ports(needs) {
        ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    Ok(ruleset)
}

/// The ports of collectors, and what finds their addresses.
fn ports(needs: &Needs<'_>) -> Vec<u16> {
    let mut ports: Vec<_> = needs.connections().map(|connection| connection.endpoint.port()).collect();
    if !ports.is_empty() {
        ports.push(DNS);
    }
    ports
}

/// Opens a file or a directory for neither reading nor writing; nothing when it is not there.
pub(super) fn place(path: &Path) -> Option<OwnedFd> {
    open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()
}

/// The right to read a file, or everything below a directory.
fn read(place: impl AsFd) -> BitFlags<AccessFs> {
    let is_directory = fstat(place).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
    if is_directory { AccessFs::ReadFile | AccessFs::ReadDir } else { AccessFs::ReadFile.into() }
}

/// Whether proc shows processes only to those who might debug them (proc(5)), from `/proc/self/mountinfo`.
fn hides_processes(mountinfo: &str) -> bool {
    mountinfo.lines().filter_map(|line| line.split_once(" - ")).any(|(mount, file_system)| {
        let mut fields = file_system.split(' ');
        let hides = |options: &str| {
            options
                .split(',')
                .filter_map(|option| option.strip_prefix("hidepid="))
                .any(|hidden| !matches!(hidden, "0" | "off"))
        };
        fields.next() == Some("proc")
            && mount.split(' ').nth(4) == Some("/proc")
            && fields.next_back().is_some_and(hides)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_whether_processes_are_hidden() {
        let line = |options: &str| format!("25 30 0:23 / /proc rw,nosuid shared:14 - proc proc {options}\n");
        for (options, hidden) in
            [("rw", false), ("rw,hidepid=0", false), ("rw,gid=7,hidepid=2", true), ("rw,hidepid=invisible", true)]
        {
            assert_eq!(hides_processes(&line(options)), hidden, "{options}");
        }
        assert!(!hides_processes("25 30 0:23 / /elsewhere rw - proc proc rw,hidepid=2\n"));
    }
}
