//! Files and directories as they should not be.

use std::{
    error::Error as _,
    fs::{self, File},
    os::unix::fs::symlink,
};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

fn tree() -> (tempfile::TempDir, Tree) {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = Tree::new(directory.path());
    (directory, tree)
}

fn reason(tree: &Tree, path: &str) -> Reason {
    tree.read_json::<serde_json::Value>(Path::new(path)).expect_err("a failure").reason()
}

#[test]
fn reads_a_regular_file() {
    let (directory, tree) = tree();
    fs::write(directory.path().join("state.json"), "[1]").expect("a file");
    for path in ["state.json", "/state.json"] {
        assert_eq!(tree.read_json::<Vec<u8>>(Path::new(path)).expect("a list"), [1]);
    }
}

#[test]
fn tells_what_is_missing() {
    let (directory, tree) = tree();
    fs::write(directory.path().join("file"), "{}").expect("a file");
    assert_eq!(reason(&tree, "/nothing"), Reason::Missing);
    assert_eq!(reason(&tree, "/file/below"), Reason::Missing);
    assert_eq!(reason(&Tree::new("/nonexistent"), "/file"), Reason::Missing);
}

#[test]
fn refuses_what_is_not_a_regular_file_without_waiting() {
    let (directory, tree) = tree();
    let at = |name| directory.path().join(name);
    mknodat(CWD, at("fifo"), FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    fs::write(at("file"), "{}").expect("a file");
    symlink("file", at("link")).expect("a link");
    for path in ["/fifo", "/link", "/"] {
        assert_eq!(reason(&tree, path), Reason::Unreadable, "{path}");
    }
    assert_eq!(reason(&Tree::new("/"), "/dev/zero"), Reason::Unreadable);
    assert_eq!(tree.names(Path::new("/fifo")).expect_err("no directory").reason(), Reason::Missing);
}

#[test]
fn refuses_what_is_too_large_or_no_json() {
    let (directory, tree) = tree();
    let path = directory.path().join("state.json");
    File::create(&path).and_then(|file| file.set_len(LIMIT_BYTES + 1)).expect("a sparse file");
    assert_eq!(reason(&tree, "/state.json"), Reason::Malformed);
    for text in ["", "{", "\u{0}", &"[".repeat(100_000)] {
        fs::write(&path, text).expect("a file");
        assert_eq!(reason(&tree, "/state.json"), Reason::Malformed);
    }
    fs::write(&path, b"\"\xff\"").expect("a file");
    assert_eq!(reason(&tree, "/state.json"), Reason::Malformed);
}

#[test]
fn tells_what_it_may_not_read() {
    use std::os::unix::fs::PermissionsExt as _;

    if rustix::process::geteuid().is_root() {
        println!("skipped: root may read everything");
        return;
    }
    let (directory, tree) = tree();
    let path = directory.path().join("state.json");
    fs::write(&path, "{}").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).expect("permissions");
    assert_eq!(reason(&tree, "/state.json"), Reason::Unreadable);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o0)).expect("permissions");
    assert_eq!(tree.names(Path::new("/")).expect_err("no names").reason(), Reason::Unreadable);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("permissions");
}

#[test]
fn links_lead_nowhere_else() {
    let (outside, _) = tree();
    fs::write(outside.path().join("secret"), "[7]").expect("a file");
    let (directory, tree) = tree();
    fs::create_dir_all(directory.path().join("real/run")).expect("a directory");
    fs::write(directory.path().join("real/run/state"), "[1]").expect("a file");
    // An absolute link means the root of the tree, as it does for whoever wrote it.
    symlink("/real/run", directory.path().join("run")).expect("a link");
    assert_eq!(tree.read_json::<Vec<u8>>(Path::new("/run/state")).expect("a list"), [1]);
    symlink(outside.path(), directory.path().join("absolute")).expect("a link");
    symlink("../".repeat(20) + outside.path().to_str().expect("UTF-8"), directory.path().join("dots")).expect("a link");
    symlink("/proc/self/root", directory.path().join("magic")).expect("a link");
    for link in ["absolute", "dots", "magic"] {
        assert_eq!(reason(&tree, &format!("/{link}/secret")), Reason::Missing, "{link}");
    }
}

#[test]
fn links_lead_out_of_no_part() {
    let (directory, tree) = tree();
    fs::create_dir_all(directory.path().join("data/ann")).expect("a directory");
    fs::write(directory.path().join("secret"), "[7]").expect("a file");
    fs::write(directory.path().join("data/ann/state"), "[1]").expect("a file");
    symlink("/data", directory.path().join("home")).expect("a link");
    symlink("/", directory.path().join("data/ann/root")).expect("a link");
    symlink("../..", directory.path().join("data/ann/dots")).expect("a link");
    let part = tree.part(Path::new("/home/ann"));
    assert_eq!(part.read_json::<Vec<u8>>(Path::new("/state")).expect("a list"), [1]);
    for link in ["root", "dots"] {
        assert_eq!(reason(&part, &format!("/{link}/secret")), Reason::Missing, "{link}");
        assert!(part.read(Path::new(&format!("/{link}/state"))).is_ok(), "{link}");
    }
    let error = part.read(Path::new("/nothing")).expect_err("nothing there");
    assert_eq!(error.to_string(), format!("cannot open state file `{}/home/ann/nothing`", tree.root().display()));
}

#[test]
fn lists_a_bounded_number_of_names() {
    let (directory, tree) = tree();
    for number in 0..LIMIT_NAMES {
        mknodat(CWD, directory.path().join(number.to_string()), FileType::RegularFile, Mode::RWXU, 0).expect("a file");
    }
    let (names, whole) = tree.names(Path::new("/")).expect("names");
    // `.` and `..` are read as well.
    assert_eq!((names.len() <= LIMIT_NAMES, names.len() >= LIMIT_NAMES - 2, whole), (true, true, false));
    fs::remove_file(directory.path().join("0")).expect("removed");
    fs::remove_file(directory.path().join("1")).expect("removed");
    let (names, whole) = tree.names(Path::new("/")).expect("names");
    assert_eq!((names.len(), whole), (LIMIT_NAMES - 2, true));
}

#[test]
fn lists_names_that_are_text() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let (directory, tree) = tree();
    for name in [&b"plain"[..], b".hidden", b"n\xffn"] {
        fs::write(directory.path().join(OsStr::from_bytes(name)), "").expect("a file");
    }
    let (names, whole) = tree.names(Path::new("/")).expect("names");
    assert_eq!((names, whole), (vec!["plain".to_owned()], true));
}

#[test]
fn a_stamp_tells_changes() {
    let (directory, tree) = tree();
    let (at, path) = (directory.path().join("file"), Path::new("/file"));
    let aged = |text: &str, seconds| {
        fs::write(&at, text).expect("a file");
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::options().write(true).open(&at).and_then(|file| file.set_modified(then)).expect("a time");
        tree.stamp(path).expect("a stamp")
    };
    let stamp = aged("a", 1000);
    assert_eq!(stamp.modified(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1000)));
    assert!(stamp.is_still(tree.stamp(path).expect("a stamp")));
    assert!(!stamp.is_still(aged("a", 1001)));
    assert!(!stamp.is_still(aged("ab", 1000)));
    // One that was just written may be written once more in the same moment.
    let stat = rustix::fs::stat(&at).expect("a file");
    for (distance, expected) in [(0, false), (20, false), (21, true)] {
        let [before, after] = [1_000_000 - distance, 1_000_000 + distance].map(|millis| {
            let stamp = Stamp::of(&stat, SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
            stamp.is_still(stamp)
        });
        assert_eq!((before, after), (expected, expected), "{distance} ms");
    }
}

#[test]
fn says_the_operation_and_keeps_the_cause() {
    let error = Tree::new("/").read(Path::new("/nonexistent/x")).expect_err("a failure");
    assert_eq!(error.to_string(), "cannot open state file `/nonexistent/x`");
    assert!(error.source().is_some_and(|cause| cause.to_string().contains("No such file")));
}
