//! The cgroup v2 hierarchy as the file system shows it.

use std::{
    fs, io,
    os::unix::{ffi::OsStrExt, fs::DirEntryExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use super::CgroupId;

/// Why the hierarchy could not be walked.
#[derive(Debug, thiserror::Error)]
#[error("cannot list cgroup directory `{}`", path.display())]
pub struct WalkError {
    path: PathBuf,
    source: io::Error,
}

/// Finds where cgroup v2 is mounted below a machine's root, in the text of `/proc/self/mountinfo`.
///
/// The root's `/sys/fs/cgroup` is preferred (pure v2), then any `…/unified` (hybrid), then whatever else there is. What this
/// process itself has mounted is what it can read: another process's mounts may be hidden from it.
#[must_use]
pub fn find(mountinfo: &str, host_root: &Path) -> Option<PathBuf> {
    let mut mounts: Vec<(PathBuf, bool)> = Vec::new();
    for (point, is_v2) in mountinfo.lines().filter_map(mount) {
        // A later mount on the same point hides the earlier one.
        mounts.retain(|(earlier, _)| *earlier != point);
        mounts.push((point, is_v2));
    }
    let v2 = || mounts.iter().filter(|(point, is_v2)| *is_v2 && point.starts_with(host_root)).map(|(point, _)| point);
    v2().find(|point| **point == host_root.join("sys/fs/cgroup"))
        .or_else(|| v2().find(|point| point.ends_with("unified")))
        .or_else(|| v2().next())
        .cloned()
}

/// The mount point of a line of mountinfo, and whether the whole of a cgroup v2 hierarchy is mounted there.
fn mount(line: &str) -> Option<(PathBuf, bool)> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut fields = mount.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    // A process in a cgroup namespace sees the root of the hierarchy as `/..` once for every level above its own.
    let is_whole = root.split('/').all(|part| part.is_empty() || part == "..");
    let is_v2 = file_system.split(' ').next() == Some("cgroup2") && is_whole;
    Some((unescape(point), is_v2))
}

/// Undoes the octal escapes of mountinfo: `\040` for a space, and for tab, newline and backslash likewise.
fn unescape(field: &str) -> PathBuf {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(field.to_owned(), |text, (code, plain)| text.replace(code, plain)).into()
}

/// What a walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// Every cgroup with its path, a parent before its children. `/` is the root itself.
    pub found: Vec<(CgroupId, String)>,
    /// Whether every directory could be listed. Otherwise what is not found need not be gone.
    pub complete: bool,
}

/// Lists every cgroup below `root` with its path from there.
///
/// A cgroup that vanishes meanwhile is left out. Below a directory that cannot be listed, because its path is too long or
/// its owner forbids it, nothing is found.
///
/// # Errors
///
/// When the root itself cannot be listed.
pub fn walk(root: &Path) -> Result<Walk, WalkError> {
    let failed = |source| WalkError { path: root.to_owned(), source };
    let top = fs::metadata(root).map_err(failed)?;
    let mut found = vec![(CgroupId(top.ino()), "/".to_owned())];
    let mut unread = vec![(root.to_owned(), String::new())];
    let mut complete = true;
    while let Some((directory, path)) = unread.pop() {
        match list(&directory, &path, &mut found, &mut unread) {
            Err(error) if path.is_empty() => return Err(failed(error)),
            Err(error) => complete &= is_vanished(&error),
            Ok(()) => {}
        }
    }
    Ok(Walk { found, complete })
}

/// Adds the directories in one directory to what is found and what is yet to be read.
fn list(
    directory: &Path,
    path: &str,
    found: &mut Vec<(CgroupId, String)>,
    unread: &mut Vec<(PathBuf, String)>,
) -> io::Result<()> {
    // A directory counts a link for each directory in it and two for itself, where the file system counts them at all.
    // Most cgroups are leaves and hold dozens of files, which a listing would go through.
    if !path.is_empty() && fs::symlink_metadata(directory)?.nlink() == 2 {
        return Ok(());
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let name = entry.file_name();
            let path = format!("{path}/{}", String::from_utf8_lossy(name.as_bytes()));
            found.push((CgroupId(entry.ino()), path.clone()));
            unread.push((entry.path(), path));
        }
    }
    Ok(())
}

/// What reading a cgroup's directory gives when the cgroup has been removed.
fn is_vanished(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, error::Error as _, os::unix::fs::symlink};

    use proptest::prelude::*;

    use super::*;

    const PURE: &str = "\
22 28 0:20 / /sys rw,nosuid - sysfs sysfs rw
26 22 0:23 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
";
    const HYBRID: &str = "\
28 18 0:25 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
29 28 0:26 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
38 28 0:35 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    #[test]
    fn finds_the_hierarchy() {
        let found = |text: &str| find(text, Path::new("/")).map(|path| path.display().to_string());
        assert_eq!(found(PURE).as_deref(), Some("/sys/fs/cgroup"));
        assert_eq!(found(HYBRID).as_deref(), Some("/sys/fs/cgroup/unified"));
        assert_eq!(found(""), None);
        assert_eq!(found("nonsense\n- -\n1 2 3 / - cgroup2"), None);

        let elsewhere = "38 28 0:35 / /mnt/my\\040cgroups rw - cgroup2 cgroup2 rw\n";
        assert_eq!(found(elsewhere).as_deref(), Some("/mnt/my cgroups"));
        assert_eq!(found(&format!("{elsewhere}{HYBRID}")).as_deref(), Some("/sys/fs/cgroup/unified"));
        assert_eq!(found(&format!("{HYBRID}{PURE}")).as_deref(), Some("/sys/fs/cgroup"));
        // As a container with a cgroup namespace of its own sees the host's mount.
        assert_eq!(
            found("38 28 0:35 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n").as_deref(),
            Some("/sys/fs/cgroup")
        );
        // Hidden by a later mount; only a part of the hierarchy.
        assert_eq!(found(&format!("{PURE}28 18 0:25 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n")), None);
        assert_eq!(found("38 28 0:35 /docker /mnt rw - cgroup2 cgroup2 rw\n"), None);
    }

    #[test]
    fn finds_the_hierarchy_of_a_machine_below_a_directory() {
        let below = |text: &str| find(text, Path::new("/host")).map(|path| path.display().to_string());
        let hosts = HYBRID.replace(" / /sys", " / /host/sys");
        assert_eq!(below(&format!("{PURE}{hosts}")).as_deref(), Some("/host/sys/fs/cgroup/unified"));
        let hosts = PURE.replace(" / /sys", " / /host/sys");
        assert_eq!(below(&format!("{HYBRID}{hosts}")).as_deref(), Some("/host/sys/fs/cgroup"));
        assert_eq!(below(PURE), None);
        assert_eq!(below(&PURE.replace(" / /sys", " / /hostile/sys")), None);
    }

    proptest! {
        #[test]
        fn takes_any_mountinfo(text in "([0-9/\\\\a-z -]|cgroup2|\n|\\PC){0,200}") {
            prop_assert!(find(&text, Path::new("/")).is_none() || text.contains("cgroup2"));
        }
    }

    #[test]
    fn lists_directories_parents_first() {
        let root = tempfile::tempdir().expect("a directory");
        for path in ["a/b/c", "a/d", "e"] {
            fs::create_dir_all(root.path().join(path)).expect("a directory");
        }
        fs::write(root.path().join("a/cgroup.procs"), "").expect("a file");
        symlink(root.path(), root.path().join("e/loop")).expect("a link");

        let Walk { found: walked, complete } = walk(root.path()).expect("a list");
        assert!(complete);
        let position: BTreeMap<_, _> = walked.iter().enumerate().map(|(at, (_, path))| (path.as_str(), at)).collect();
        assert_eq!(position.keys().copied().collect::<Vec<_>>(), ["/", "/a", "/a/b", "/a/b/c", "/a/d", "/e"]);
        assert!(position["/a"] < position["/a/b"] && position["/a/b"] < position["/a/b/c"]);
        for (id, path) in &walked {
            let inode = fs::metadata(root.path().join(path.trim_start_matches('/'))).expect("a directory").ino();
            assert_eq!(*id, CgroupId(inode), "{path}");
        }
    }

    #[test]
    fn fails_where_there_is_nothing() {
        let error = walk(Path::new("/nonexistent")).expect_err("nothing there");
        assert_eq!(error.to_string(), "cannot list cgroup directory `/nonexistent`");
        assert!(error.source().is_some());
    }

    #[test]
    fn what_cannot_be_listed_does_not_hide_the_rest() {
        use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir(root.path().join("z")).expect("a directory");
        // Deeper than a path can say.
        let name = "n".repeat(250);
        let flags = OFlags::DIRECTORY | OFlags::RDONLY;
        let mut directory = openat(CWD, root.path(), flags, Mode::empty()).expect("a directory");
        for _ in 0..20 {
            mkdirat(&directory, name.as_str(), Mode::RWXU).expect("a directory");
            directory = openat(&directory, name.as_str(), flags, Mode::empty()).expect("a directory");
        }
        let Walk { found, complete } = walk(root.path()).expect("a list");
        assert!(!complete);
        assert!(found.iter().any(|(_, path)| path == "/z") && found.len() > 10, "{}", found.len());
    }

    #[test]
    fn leaves_out_what_vanishes() {
        let root = tempfile::tempdir().expect("a directory");
        let (mut found, mut unread) = (Vec::new(), Vec::new());
        let error = list(&root.path().join("gone"), "/gone", &mut found, &mut unread).expect_err("nothing there");
        assert!(is_vanished(&error) && is_vanished(&rustix::io::Errno::NODEV.into()));
        assert!(!is_vanished(&rustix::io::Errno::MFILE.into()));
    }

    #[test]
    fn lists_real_cgroups() {
        let Some(root) = fs::read_to_string("/proc/self/mountinfo").ok().and_then(|text| find(&text, Path::new("/")))
        else {
            println!("skipped: cgroup v2 is not mounted here");
            return;
        };
        let walked = walk(&root).expect("a list");
        assert_eq!(walked.found[0].1, "/");
    }
}
