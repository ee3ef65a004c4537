use std::{
    fs,
    os::unix::fs::symlink,
    process::{Child, Command, id},
};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::*;

/// A proc file system with one process, 7, that has these links.
fn proc(links: &[(&str, &str)]) -> tempfile::TempDir {
    let proc = tempfile::tempdir().expect("a directory");
    let directory = proc.path().join("7/ns");
    fs::create_dir_all(&directory).expect("a directory");
    for (name, target) in links {
        symlink(target, directory.join(name)).expect("a link");
    }
    proc
}

#[test]
fn reads_its_own() {
    let namespaces = of(Path::new("/proc"), id()).expect("its own namespaces");
    let link = |name: &str| fs::read_link(format!("/proc/self/ns/{name}")).ok();
    for kind in Type::ALL {
        let own = namespaces.own.get(&kind).map(|id| format!("{}:[{id}]", kind.name()).into());
        assert_eq!(own, link(kind.name()), "{}", kind.name());
        if let Some(name) = kind.for_children() {
            let children = namespaces.children.get(&kind);
            assert_eq!(children.is_some(), link(name) != link(kind.name()), "{name}");
        }
    }
    assert!(namespaces.own.contains_key(&Type::Mnt));
}

#[test]
fn leaves_out_what_the_kernel_does_not_have() {
    let proc =
        proc(&[("mnt", "mnt:[4026531832]"), ("net", "net:[1]"), ("pid", "pid:[2]"), ("pid_for_children", "pid:[2]")]);
    let expected = Namespaces {
        own: [(Type::Net, 1), (Type::Mnt, 4_026_531_832), (Type::Pid, 2)].into(),
        children: BTreeMap::new(),
    };
    assert_eq!(of(proc.path(), 7).expect("namespaces"), expected);
}

#[test]
fn tells_where_children_will_be() {
    let proc = proc(&[
        ("mnt", "mnt:[1]"),
        ("pid", "pid:[2]"),
        ("pid_for_children", "pid:[3]"),
        ("time", "time:[4]"),
        ("time_for_children", "time:[4]"),
    ]);
    let namespaces = of(proc.path(), 7).expect("namespaces");
    assert_eq!(namespaces.children, [(Type::Pid, Some(3))].into());
}

#[test]
fn refuses_what_is_no_namespace() {
    for target in ["mnt", "mnt:[]", "mnt:[x]", "mnt:[1", "mnt:[18446744073709551616]"] {
        let proc = proc(&[("mnt", target)]);
        let path = proc.path().join("7/ns/mnt");
        let expected = format!("`{}` leads to `{target}` instead of a namespace", path.display());
        assert_eq!(of(proc.path(), 7).expect_err(target).to_string(), expected);
    }
}

#[test]
fn says_that_there_is_no_process() {
    let error = of(Path::new("/proc"), u32::MAX).expect_err("no process has this id");
    assert_eq!(error.to_string(), "there is no process `4294967295`");
    // As a process that ends meanwhile.
    assert!(matches!(of(proc(&[]).path(), 7), Err(Error::NoProcess { pid: 7 })));
}

/// A process that has ended and of which the exit status has not been collected.
fn ended() -> Child {
    let child = Command::new("true").spawn().expect("a process");
    let pid = Pid::from_child(&child);
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).expect("it ends");
    child
}

#[test]
fn says_that_a_process_has_ended() {
    let mut child = ended();
    let error = of(Path::new("/proc"), child.id()).expect_err("it is in no namespace of mounts");
    child.wait().expect("its status");
    assert!(matches!(error, Error::Ended { pid } if pid == child.id()), "{error}");
    assert!(matches!(of(Path::new("/proc"), child.id()), Err(Error::NoProcess { .. })));
}
