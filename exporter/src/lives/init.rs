//! The first process of a container.

use std::{fs, path::Path};

use crate::{namespaces::Namespaces, others::Look};

/// The first process of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// Its id.
    pub pid: u32,
    /// Its namespaces.
    pub namespaces: Namespaces,
}

/// What is seen of a container's first process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) init: Init,
    /// Whether it surely is the container's own program. A runtime's process is there before it, and takes its namespaces one
    /// by one; where the container has no PID namespace of its own, the two cannot be told apart.
    pub(super) is_final: bool,
}

/// Looks at a process; nothing when it is gone.
pub(super) fn look(proc: &Path, pid: u32, others: &mut dyn Look) -> Option<Seen> {
    let status = fs::read_to_string(proc.join(pid.to_string()).join("status")).ok()?;
    let namespaces = others.namespaces(pid)?;
    Some(Seen { init: Init { pid, namespaces }, is_final: is_first(&status) && !is_of_runtime(&status) })
}

/// Whether a process is the first of a PID namespace of its own.
fn is_first(status: &str) -> bool {
    let ids = field(status, "NSpid:").unwrap_or_default();
    ids.split_whitespace().count() > 1 && ids.split_whitespace().next_back() == Some("1")
}

/// Whether it has the name of runc's or crun's process that becomes the container's: `runc:[2:INIT]`, `crun`.
fn is_of_runtime(status: &str) -> bool {
    field(status, "Name:").is_some_and(|name| name.contains(":[") || name == "crun")
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{namespaces, others::Own};

    #[test]
    fn tells_the_program_from_what_the_runtime_does_before() {
        for (name, ids, expected) in [
            ("exe", "812", false),
            ("runc:[1:CHILD]", "812", false),
            ("runc:[2:INIT]", "813\t1", false),
            ("crun", "813\t1", false),
            ("sleep", "813\t1", true),
            ("sleep", "813\t70\t1", true),
            ("sleep", "813\t7", false),
            ("sleep", "813", false),
        ] {
            let status = format!("Name:\t{name}\nUmask:\t0022\nNSpid:\t{ids}\n");
            assert_eq!(is_first(&status) && !is_of_runtime(&status), expected, "{name} {ids}");
        }
    }

    #[test]
    fn looks_at_this_process() {
        let pid = std::process::id();
        let seen = look(Path::new("/proc"), pid, &mut Own::at(Path::new("/"))).expect("this process is there");
        assert_eq!(seen.init.pid, pid);
        assert_eq!(seen.init.namespaces, namespaces::of(Path::new("/proc"), pid).expect("it is there"));
        assert_eq!(look(Path::new("/nonexistent"), pid, &mut Own::at(Path::new("/"))), None);
    }
}
