//! `doubleslit ns` on processes in namespaces of their own.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use doubleslit::namespaces::{self, Namespaces, Type};
use doubleslit_testbed::{exporter, shell, wait};
use serde_json::Value;

use crate::harness::BINARY;

/// A process made with `unshare`, which ends with its standard input.
struct Unshared(Child);

impl Unshared {
    fn with(options: &[&str]) -> Self {
        let mut command = Command::new("unshare");
        command.args(options).arg("cat").stdin(Stdio::piped()).process_group(0);
        Self(command.spawn().expect("unshare can be run"))
    }

    /// Its namespaces, once it is in those that it was told to make: it executes `cat` then.
    fn namespaces(&self) -> Namespaces {
        let comm = format!("/proc/{}/comm", self.0.id());
        wait::until("unshare is done", || (fs::read_to_string(&comm).ok()? == "cat\n").then_some(()));
        namespaces::of(Path::new("/proc"), self.0.id()).expect("its namespaces")
    }
}

impl Drop for Unshared {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

fn own() -> Namespaces {
    namespaces::of(Path::new("/proc"), std::process::id()).expect("its namespaces")
}

/// What `lsns` says of a process.
fn lsns(pid: u32) -> Option<BTreeMap<String, u64>> {
    if !shell::has("lsns") {
        println!("not compared with lsns, which is not installed");
        return None;
    }
    let list = shell::run("lsns", ["--noheadings", "--raw", "--output=TYPE,NS", "--task", &pid.to_string()]);
    let entry = |line: &str| Some((line.split_once(' ')?.0.to_owned(), line.split_once(' ')?.1.parse().ok()?));
    Some(list.lines().map(|line| entry(line).expect("a type and a number")).collect())
}

/// What the command prints as JSON.
fn printed(pid: u32) -> Value {
    let (status, output, error) = exporter::run(Path::new(BINARY), &["ns", &pid.to_string(), "-o", "json"]);
    assert!(status.success(), "{error}");
    serde_json::from_str(&output).expect("JSON")
}

fn compare_with_lsns(pid: u32) {
    let ids: BTreeMap<String, u64> =
        serde_json::from_value(printed(pid)["namespaces"].clone()).expect("a number for each type");
    if let Some(listed) = lsns(pid) {
        assert_eq!(ids, listed);
    }
}

#[test]
#[ignore = "needs root"]
fn namespaces_that_differ() {
    let options = ["--net", "--ipc", "--uts", "--mount", "--user", "--cgroup"];
    let unshared = Unshared::with(&options);
    let (theirs, ours) = (unshared.namespaces(), own());
    for kind in Type::ALL {
        let expected = [Type::Pid, Type::Time].contains(&kind);
        assert_eq!(theirs.own[&kind] == ours.own[&kind], expected, "{}", kind.name());
    }
    assert_eq!(theirs.children, BTreeMap::new());
    compare_with_lsns(unshared.0.id());
}

#[test]
#[ignore = "needs root"]
fn namespaces_of_children_to_come() {
    let unshared = Unshared::with(&["--pid"]);
    let namespaces = unshared.namespaces();
    // The process itself stays where it is; of a namespace without a process the kernel tells no id.
    assert_eq!(namespaces.own, own().own);
    assert_eq!(namespaces.children, [(Type::Pid, None)].into());
    let (_, text, _) = exporter::run(Path::new(BINARY), &["ns", &unshared.0.id().to_string()]);
    assert!(text.contains("\npid_for_children   no process yet\n"), "{text}");
    assert_eq!(printed(unshared.0.id())["children"], serde_json::json!({ "pid": null }));
    compare_with_lsns(unshared.0.id());
}

#[test]
#[ignore = "needs root"]
fn namespaces_with_children() {
    // unshare itself waits for the child that it has made there.
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child", "cat"]).stdin(Stdio::piped());
    let unshared = Unshared(unshare.spawn().expect("unshare can be run"));
    let parent = unshared.0.id();
    let children = format!("/proc/{parent}/task/{parent}/children");
    let child = wait::until("unshare has a child", || fs::read_to_string(&children).ok()?.trim().parse::<u32>().ok());
    let of = |pid| namespaces::of(Path::new("/proc"), pid).expect("its namespaces");
    let inside = of(child).own[&Type::Pid];
    assert_ne!(inside, own().own[&Type::Pid]);
    assert_eq!(of(parent).children, [(Type::Pid, Some(inside))].into());
    assert_eq!(of(child).children, BTreeMap::new());
    for pid in [parent, child] {
        compare_with_lsns(pid);
    }
}

#[test]
#[ignore = "needs root"]
fn somebody_else_may_not() {
    // Where everybody may execute it.
    let directory = tempfile::tempdir().expect("a directory can be made");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let binary = directory.path().join("doubleslit");
    fs::copy(BINARY, &binary).expect("a file can be copied");
    let pid = std::process::id();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary).args(["ns", &pid.to_string()]);
    let output = shell::output(&mut command);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!(
            "doubleslit: may not read the namespaces of process `{pid}`; run it as root with `CAP_SYS_PTRACE`: Permission denied (os error 13)\n"
        )
    );
}
