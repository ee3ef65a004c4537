//! Cgroups made by hand: containers as the kernel sees them, without a runtime's own processes in them.

use std::{
    ffi::CString,
    fs::{self, File},
    os::{fd::AsFd as _, unix::ffi::OsStrExt as _, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{sys, wait};

/// A directory in the cgroup v2 hierarchy. Dropping it kills what is in it and removes it, unless it was there before.
#[derive(Debug)]
pub struct Cgroup {
    directory: PathBuf,
    is_ours: bool,
}

impl Cgroup {
    /// Makes a cgroup, with those above it, which stay.
    #[must_use]
    pub fn create(path: &str) -> Self {
        let directory = Self::directory(path);
        let is_ours = !directory.exists();
        fs::create_dir_all(&directory).unwrap_or_else(|error| panic!("cannot make {}: {error}", directory.display()));
        Self { directory, is_ours }
    }

    /// The cgroup of a container of Docker's that is not there, and its id. One that a test has left is removed before.
    #[must_use]
    pub fn like_docker(number: u64) -> (Self, String) {
        let id = Self::docker_id(number);
        let path = format!("/docker/{id}");
        let directory = Self::directory(&path);
        if directory.exists() {
            drop(Self { directory, is_ours: true });
        }
        (Self::create(&path), id)
    }

    /// A container's id as Docker would make it, but for its beginning, which keeps it apart from real ones.
    #[must_use]
    pub fn docker_id(number: u64) -> String {
        format!("d0b1e511{number:056x}")
    }

    /// Its id: the inode number of its directory.
    #[must_use]
    pub fn id(&self) -> u64 {
        fs::metadata(&self.directory).expect("the cgroup is there").ino()
    }

    /// Starts a program that is in the cgroup from its first moment, so that its own fork, exec and exit count there.
    #[must_use]
    pub fn spawn(&self, program: &Path, arguments: &[&str]) -> i32 {
        let text = |bytes: &[u8]| CString::new(bytes).expect("no NUL inside");
        let program = text(program.as_os_str().as_bytes());
        let arguments: Vec<_> = arguments.iter().map(|argument| text(argument.as_bytes())).collect();
        let arguments: Vec<_> = arguments.iter().map(CString::as_c_str).collect();
        let directory = File::open(&self.directory).expect("the cgroup is there");
        sys::spawn_in_cgroup(directory.as_fd(), &program, &arguments).expect("the kernel has clone3")
    }

    /// Runs a program in it to its end, which must be a success.
    pub fn run(&self, program: &Path, arguments: &[&str]) {
        let status = sys::wait(self.spawn(program, arguments)).expect("it is a child");
        assert_eq!(status, 0, "{} {arguments:?} ended with wait status {status:#x}", program.display());
    }

    fn directory(path: &str) -> PathBuf {
        v2_root().join(path.trim_start_matches('/'))
    }

    fn processes(&self) -> Vec<i32> {
        let list = fs::read_to_string(self.directory.join("cgroup.procs")).unwrap_or_default();
        list.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if !self.is_ours {
            return;
        }
        for process in self.processes() {
            drop(sys::send(process, libc::SIGKILL));
            drop(sys::wait(process));
        }
        // A process counts until its last thread is gone. A test that fails must not panic again.
        let remove = || fs::remove_dir(&self.directory).ok();
        if std::thread::panicking() {
            let _ = wait::attempted(Duration::from_secs(5), remove);
        } else {
            wait::until("the cgroup is empty", remove);
        }
    }
}

/// Where the cgroup v2 hierarchy is mounted.
#[must_use]
pub fn v2_root() -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("procfs is mounted");
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).expect("a cgroup v2 hierarchy is mounted");
    PathBuf::from(mount.split(' ').nth(4).expect("mountinfo has a mount point"))
}
