//! A directory that an exporter takes for the root of this machine: its control groups and processes, and state of one's own.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
};

use tempfile::TempDir;

use crate::{
    cgroup,
    supervisor::{self, Supervisor},
};

/// Mounts what it is told, source and target in turn, says so, and keeps the mounts until its input ends.
const KEEPER: &str = r#"
while [ $# -gt 0 ]; do mkdir -p "$2" && mount --rbind "$1" "$2" || exit 1; shift 2; done
echo ready
cat >/dev/null
"#;

/// A machine's root. The mounts in it are seen by its keeper alone, and end with it.
#[derive(Debug)]
pub struct HostRoot {
    keeper: Supervisor,
    directory: TempDir,
}

impl HostRoot {
    /// A root with directories of this machine at other places: source and target, from the root on.
    #[must_use]
    pub fn with(directories: &[(&Path, &str)]) -> Self {
        let directory = TempDir::with_prefix("ds-root-").expect("a directory can be made");
        let at = |target: &Path| directory.path().join(target.strip_prefix("/").unwrap_or(target));
        let hierarchy = cgroup::v2_root();
        let own = [hierarchy.as_path(), Path::new("/proc")].map(|path| (path, path));
        let given = directories.iter().map(|(source, target)| (*source, Path::new(*target)));
        let mut keeper = supervisor::command("unshare");
        keeper.args(["--mount", "--propagation=private", "sh", "-c", KEEPER, "keeper"]);
        for (source, target) in own.into_iter().chain(given) {
            keeper.arg(source).arg(at(target));
        }
        let mut keeper = Supervisor::start(keeper.stdout(Stdio::piped()));
        let mut answer = String::new();
        BufReader::new(keeper.output()).read_line(&mut answer).expect("the keeper answers");
        assert_eq!(answer, "ready\n", "the mounts could not be made");
        Self { keeper, directory }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A process that has its mounts.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.keeper.pid()
    }
}
