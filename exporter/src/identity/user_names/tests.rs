use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::{
    identity::roots::Roots,
    others::{Look, Looks, Own},
};

fn all(names: &UserNames) -> Vec<(u32, &str)> {
    names.iter().collect()
}

#[test]
fn reads_a_list() {
    let passwd =
        b"root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann,,:/home/ann:/bin/sh\ntoor:x:0:0::/:\nbob:x:7:7::/:\n";
    let names = UserNames::parse(passwd, &UidMap::identity());
    assert_eq!(all(&names), [(0, "root"), (7, "bob"), (1000, "ann")]);
    assert_eq!((names.get(7), names.get(8)), (Some("bob"), None));
    let names = UserNames::parse(passwd, &UidMap::parse(b"0 1000 1\n1 100000 500\n"));
    assert_eq!(all(&names), [(1000, "root"), (100_006, "bob")]);
}

#[test]
fn passes_over_lines_that_tell_no_user() {
    let long = format!("{}:x:5:5", "n".repeat(NAME_BYTES + 1));
    let lines: [&[u8]; 11] = [
        b"",
        b"a:x:5",
        b":x:5:5::/:",
        b"a:x:five:5::/:",
        b"a:x:-5:5::/:",
        b"a:x:4294967296:5::/:",
        b"a:x:4294967295:5::/:",
        b"+a:x:5:5::/:",
        b"#a:x:5:5::/:",
        b"\xffa:x:5:5::/:",
        long.as_bytes(),
    ];
    for line in lines {
        assert_eq!(all(&UserNames::parse(line, &UidMap::identity())), [], "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn keeps_so_many_users() {
    let passwd: String = (0..USERS + 7).map(|uid| format!("u{uid}:x:{uid}:0::/:\n")).collect();
    assert_eq!(all(&UserNames::parse(passwd.as_bytes(), &UidMap::identity())).len(), USERS);
}

proptest! {
    #[test]
    fn any_user_is_found(users in proptest::collection::btree_map(0..u32::MAX, "[a-z][a-z0-9]{0,20}", 0..50)) {
        let lines = users.iter().rev().map(|(uid, name)| format!("{name}:x:{uid}:1::/:/bin/sh\n"));
        let names = UserNames::parse(lines.collect::<String>().as_bytes(), &UidMap::identity());
        prop_assert!(names.iter().eq(users.iter().map(|(uid, name)| (*uid, name.as_str()))));
    }
}

/// A machine with the container `/web`, whose first process is 7. The runtime's is 3.
struct Machine {
    directory: tempfile::TempDir,
    roots: Roots,
}

const PASSWD: &str = "web:x:1234:0::/:\n";

impl Machine {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().to_owned();
        let root = root.as_path();
        let machine = Self { roots: Roots::below(root, root.join("cgroup")), directory };
        machine.write("etc/passwd", "ann:x:1234:0::/:\n");
        machine.write("cgroup/web/cgroup.procs", "7\n");
        for (pid, parent) in [(3, 1), (7, 3)] {
            let fields = vec!["0"; 40].join(" ");
            machine.write(&format!("proc/{pid}/stat"), &format!("{pid} (a) S {fields}\n"));
            machine.write(&format!("proc/{pid}/status"), &format!("Name:\ta\nPPid:\t{parent}\n"));
        }
        machine.write("proc/7/uid_map", "0 0 4294967295\n");
        symlink(root, root.join("proc/3/root")).expect("a link");
        symlink(machine.container(), root.join("proc/7/root")).expect("a link");
        fs::create_dir_all(machine.container().join("etc")).expect("a directory");
        machine
    }

    fn container(&self) -> PathBuf {
        self.directory.path().join("container")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.directory.path().join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn looks(&self) -> Vec<Box<dyn Look>> {
        Looks::own(self.directory.path()).users
    }

    fn look(&self) -> Option<UserNames> {
        follow::names(&self.roots, &self.roots.cgroup.join("web"), &mut Own::at(self.directory.path()))
    }
}

fn web() -> Option<UserNames> {
    Some(UserNames::parse(PASSWD.as_bytes(), &UidMap::identity()))
}

/// Waits for the names of users, by the first id that they have.
fn wait_for(users: &Users, name: &str) {
    let begun = Instant::now();
    while users.names().is_none_or(|names| names.get(1234) != Some(name)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{users:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn reads_the_list_of_a_container() {
    let machine = Machine::new();
    assert_eq!(machine.look(), Some(UserNames::default()), "without a list");
    machine.write("container/etc/passwd", PASSWD);
    assert_eq!(machine.look(), web());
    machine.write("proc/7/uid_map", "0 100000 65536\n");
    assert_eq!(machine.look().map(|names| names.get(101_234).map(str::to_owned)), Some(Some("web".to_owned())));
}

#[test]
fn waits_until_the_first_process_is_in_the_container() {
    let machine = Machine::new();
    machine.write("container/etc/passwd", PASSWD);
    let root = machine.directory.path().join("proc/7/root");
    fs::remove_file(&root).expect("it is there");
    assert_eq!(machine.look(), None, "a process that has no root any more");
    symlink(machine.directory.path(), &root).expect("a link");
    assert_eq!(machine.look(), None, "the runtime's root");
    fs::remove_file(&root).expect("it is there");
    symlink(machine.container(), &root).expect("a link");
    assert_eq!(machine.look(), web());
    machine.write("cgroup/web/cgroup.procs", "");
    assert_eq!(machine.look(), None, "no process");
}

#[test]
fn follows_links_inside_of_the_container_only() {
    let machine = Machine::new();
    machine.write("container/usr/passwd", PASSWD);
    machine.write("outside", "outside:x:1234:0::/:\n");
    let passwd = machine.container().join("etc/passwd");
    for inside in ["/usr/passwd", "../usr/passwd", "../../../../../usr/passwd"] {
        symlink(inside, &passwd).expect("a link");
        assert_eq!(machine.look(), web(), "{inside}");
        fs::remove_file(&passwd).expect("it is there");
    }
    let outside = machine.directory.path().join("outside");
    for hostile in [outside.as_path(), Path::new("../../outside"), Path::new("passwd"), Path::new("/proc/self/root")] {
        symlink(hostile, &passwd).expect("a link");
        assert_eq!(machine.look(), Some(UserNames::default()), "{hostile:?}");
        fs::remove_file(&passwd).expect("it is there");
    }
}

#[test]
fn reads_no_more_than_a_bounded_regular_file() {
    let machine = Machine::new();
    let passwd = machine.container().join("etc/passwd");
    fs::create_dir(&passwd).expect("a directory");
    assert_eq!(machine.look(), Some(UserNames::default()), "a directory");
    fs::remove_dir(&passwd).expect("it is there");
    mknodat(CWD, &passwd, FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    assert_eq!(machine.look(), Some(UserNames::default()), "a FIFO");
    fs::remove_file(&passwd).expect("it is there");
    machine.write("container/etc/passwd", PASSWD);
    fs::File::options().append(true).open(&passwd).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
    assert_eq!(machine.look(), Some(UserNames::default()), "a huge file");
    fs::remove_file(&passwd).expect("it is there");
    // /dev/zero
    if mknodat(CWD, &passwd, FileType::CharacterDevice, Mode::RWXU, rustix::fs::makedev(1, 5)).is_ok() {
        assert_eq!(machine.look(), Some(UserNames::default()), "a device");
    }
}

#[test]
fn follows_the_machines_list_and_reads_a_containers_once() {
    let machine = Machine::new();
    machine.write("container/etc/passwd", PASSWD);
    let follower = Follower::start(&machine.roots, machine.looks()).expect("threads");
    let (host, container) = (follower.of_host(), follower.of_container("/web"));
    assert_eq!(host.names().and_then(|names| names.get(1234).map(str::to_owned)).as_deref(), Some("ann"));
    assert!(!host.is_awaited());
    wait_for(&container, "web");
    assert!(!container.is_awaited());
    machine.write("container/etc/passwd", "other:x:1234:0::/:\n");
    machine.write("etc/passwd", "robert:x:1234:0::/:\n");
    wait_for(&host, "robert");
    wait_for(&container, "web");
}

#[test]
fn names_come_as_soon_as_there_is_a_process() {
    let machine = Machine::new();
    machine.write("container/etc/passwd", PASSWD);
    machine.write("cgroup/web/cgroup.procs", "");
    let follower = Follower::start(&machine.roots, machine.looks()).expect("threads");
    let container = follower.of_container("/web");
    std::thread::sleep(Duration::from_millis(50));
    assert!(container.is_awaited() && container.names().is_none());
    machine.write("cgroup/web/cgroup.procs", "7\n");
    wait_for(&container, "web");
}

/// A FIFO as the list of a cgroup's processes stands for a file system that does not answer.
#[test]
fn what_hangs_hangs_alone() {
    let machine = Machine::new();
    machine.write("container/etc/passwd", PASSWD);
    let follower = Follower::start(&machine.roots, machine.looks()).expect("threads");
    let hanging: Vec<_> = (0..3)
        .map(|number| {
            let path = format!("/hangs-{number}");
            let directory = machine.roots.cgroup.join(&path[1..]);
            fs::create_dir(&directory).expect("a directory");
            mknodat(CWD, directory.join("cgroup.procs"), FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
            follower.of_container(&path)
        })
        .collect();
    std::thread::sleep(Duration::from_millis(50));
    wait_for(&follower.of_container("/web"), "web");
    assert!(hanging.iter().all(|users| users.is_awaited() && users.names().is_none()));
}
