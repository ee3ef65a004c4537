//! The systemd unit that a cgroup of the host belongs to.

/// Types of units that processes run in (`systemd.unit(5)`).
const TYPES: [&str; 5] = [".service", ".scope", ".socket", ".mount", ".swap"];

/// The innermost unit in a path, counted from the root of the hierarchy; empty where there is none.
///
/// A service of a user's own manager lies within that manager's service: it counts for itself.
#[must_use]
pub(super) fn innermost(path: &str) -> &str {
    let unit = path.rsplit('/').find(|name| TYPES.iter().any(|kind| name.len() > kind.len() && name.ends_with(kind)));
    // systemd puts `_` before names that would be files of a controller, such as `cpu.service`.
    unit.map_or("", |name| name.strip_prefix('_').unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_paths() {
        for (path, unit) in [
            ("/", ""),
            ("", ""),
            ("/system.slice", ""),
            ("/init.scope", "init.scope"),
            ("/system.slice/ssh.service", "ssh.service"),
            ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"),
            ("/system.slice/some.service/payload/worker", "some.service"),
            ("/system.slice/docker.socket", "docker.socket"),
            ("/system.slice/mnt-data.mount", "mnt-data.mount"),
            ("/system.slice/_cpu.service", "cpu.service"),
            (
                "/system.slice/systemd-fsck@dev-disk-by\\x2duuid-1.service",
                "systemd-fsck@dev-disk-by\\x2duuid-1.service",
            ),
            ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope"),
            ("/user.slice/user-1000.slice/user@1000.service", "user@1000.service"),
            ("/user.slice/user-1000.slice/user@1000.service/app.slice/editor.service", "editor.service"),
            ("/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope"),
            ("/.service/.scope", ""),
            ("/service", ""),
            ("/a.service.d", ""),
        ] {
            assert_eq!(innermost(path), unit, "{path}");
        }
    }
}
