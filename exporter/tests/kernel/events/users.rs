//! Names of users: what the event's owner itself calls them.

use std::{
    fs,
    process::{Command, Stdio},
};

use doubleslit_testbed::{docker::LoadContainer, shell};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{assert_attributes, is_of, text, watch};
use crate::harness::docker;

const USER: &str = "process.user.name";
const REAL_USER: &str = "process.real_user.name";
/// A user of the host that every distribution has, by the number that it has everywhere.
const DAEMON: (u32, &str) = (1, "daemon");

/// A list of users that begins with root, who is called `root` everywhere.
struct Passwd(TempDir);

impl Passwd {
    fn new(users: &str) -> Self {
        let directory = TempDir::with_prefix("ds-users-").expect("a directory can be made");
        fs::write(directory.path().join("passwd"), format!("root:x:0:0::/:/bin/sh\n{users}")).expect("a file");
        Self(directory)
    }

    /// Starts a container that has it.
    fn load(&self, name: &str) -> LoadContainer<'static> {
        docker().load(name, &[&self.volume()])
    }

    /// The option that gives it to a container.
    fn volume(&self) -> String {
        format!("--volume={}:/etc/passwd:ro", self.0.path().join("passwd").display())
    }
}

/// Executes a program in a container as a user.
fn execute(container: &LoadContainer<'_>, user: &str, times: usize) {
    for _ in 0..times {
        docker().cli(["exec", "--user", user, &container.id, "/bin/true"]);
    }
}

/// Executes a program on the host as a real user, which remains root.
fn execute_on_host(uid: u32) {
    let mut command = Command::new("setpriv");
    command.args([&format!("--ruid={uid}"), "--", "/bin/true"]).stdin(Stdio::null());
    assert!(command.status().expect("setpriv can be run").success());
}

/// The last event that is waited for.
fn is_end(event: &Value) -> bool {
    text(event, "process.executable.name") == "true" && event["process.real_user.id"] == 4321
}

/// How many of these executions have these values: owner's name, ids and names of the effective and the real user.
fn count(events: &[Value], container: &str, uids: [u32; 2], names: [Option<&str>; 2]) -> usize {
    let is_it = |event: &&Value| {
        text(event, "process.executable.name") == "true"
            && text(event, "container.name") == container
            && (&event["process.user.id"], &event["process.real_user.id"]) == (&json!(uids[0]), &json!(uids[1]))
            && (&event[USER], &event[REAL_USER]) == (&json!(names[0]), &json!(names[1]))
    };
    events.iter().filter(is_it).count()
}

#[test]
#[ignore = "needs root and BTF"]
fn are_those_that_the_owner_has_for_them() {
    let (ann, bob) = (Passwd::new("ann:x:1234:0::/:\n"), Passwd::new("bob:x:1234:0::/:\nlate:x:1234:0::/:\n"));
    // One is there before anybody watches, one comes later.
    let first = ann.load("users-first");
    let watch = watch(&["--event", "exec", "--select", "executable=true"]);
    let second = bob.load("users-second");
    let without = docker().load("users-without", &[]);
    for container in [&first, &second, &without] {
        execute(container, "1234", 3);
        execute(container, "0", 2);
        execute(container, "1235", 1);
    }
    execute_on_host(DAEMON.0);
    execute_on_host(1234);
    let in_host = shell::run("sh", ["-c", "getent passwd 1234 | cut -d: -f1"]);
    execute_on_host(4321);
    let events = watch.await_events_until("all of them", is_end);

    let host = Some(in_host.trim()).filter(|name| !name.is_empty());
    for (container, user, root) in [
        ("users-first", Some("ann"), Some("root")),
        ("users-second", Some("bob"), Some("root")),
        ("users-without", None, None),
    ] {
        assert_eq!(count(&events, container, [1234, 1234], [user, user]), 3, "{container}: {events:?}");
        assert_eq!(count(&events, container, [0, 0], [root, root]), 2, "{container}");
        assert_eq!(count(&events, container, [1235, 1235], [None, None]), 1, "{container}");
        let of_it = events.iter().filter(|event| text(event, "container.name") == container).count();
        assert_eq!(of_it, 6, "{container}");
    }
    assert_eq!(count(&events, "", [0, DAEMON.0], [Some("root"), Some(DAEMON.1)]), 1);
    assert_eq!(count(&events, "", [0, 1234], [Some("root"), host]), 1);
}

/// The program of a container is executed as soon as the container is there.
#[test]
#[ignore = "needs root and BTF"]
fn of_a_containers_first_program() {
    let passwd = Passwd::new("ann:x:1234:0::/:\n");
    let watch = watch(&["--event", "exec"]);
    for _ in 0..5 {
        let id = docker().run(&[&passwd.volume(), "--user=1234"], &["sleep", "3600"]);
        let pid: i32 = docker().inspect(&id, "{{.State.Pid}}").parse().expect("a process id");
        let event = watch.await_event("the container's program", |event| {
            event["process.pid"] == pid && text(event, "process.executable.name") == "sleep"
        });
        let expected = json!({ "process.user.id": 1234, USER: "ann", REAL_USER: "ann", "process.vpid": 1 });
        assert_attributes(&event, &expected);
        docker().remove(&id);
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn select_exactly() {
    let (ann, bob) = (Passwd::new("ann:x:1234:0::/:\n"), Passwd::new("bob:x:1234:0::/:\nann:x:77:0::/:\n"));
    let (first, second) = (ann.load("users-of-ann"), bob.load("users-of-bob"));
    let select = ["--select", "executable=true,user=ann", "--select", "executable=true,real_uid=4321"];
    let watch = watch(&[&["--event", "exec"][..], &select].concat());
    for container in [&first, &second] {
        execute(container, "1234", 4);
        execute(container, "0", 2);
    }
    execute(&second, "77", 3);
    execute_on_host(1234);
    execute_on_host(4321);
    let events = watch.await_events_until("all of them", is_end);
    assert_eq!(count(&events, "users-of-ann", [1234, 1234], [Some("ann"); 2]), 4, "{events:?}");
    assert_eq!(count(&events, "users-of-bob", [77, 77], [Some("ann"); 2]), 3, "{events:?}");
    assert_eq!(events.len(), 4 + 3 + 1, "{events:?}");
}

/// A list that no sane container has: nobody is held up, and there are no names.
#[test]
#[ignore = "needs root and BTF"]
fn a_hostile_list_holds_up_nobody() {
    let sane = Passwd::new("ann:x:1234:0::/:\n").load("users-sane");
    let lists = [
        "busybox mkfifo /etc/passwd",
        "busybox mknod /etc/passwd c 1 5",
        "busybox truncate -s 16G /etc/passwd",
        "busybox ln -s passwd /etc/passwd",
        "busybox ln -s ../../../../../../../../etc/passwd /etc/passwd",
        "busybox mkdir /etc/passwd",
    ];
    for (number, list) in lists.iter().enumerate() {
        // It has no list before.
        let name = format!("users-hostile-{number}");
        let mut hostile = docker().load(&name, &[]);
        docker().cli(["exec", &hostile.id, "/bin/sh", "-c", &format!("PATH=/bin; {list}")]);
        let watch =
            watch(&["--event", "exec", "--select", &format!("container={name}"), "--select", "executable=true"]);
        // The engine itself would wait for a FIFO.
        hostile.load.run("exec 1");
        let event = watch.await_event("the execution", |event| is_of(event, "exec", &hostile));
        assert_attributes(&event, &json!({ "process.user.id": 0, USER: Value::Null, REAL_USER: Value::Null }));
        execute(&sane, "1234", 1);
        let event = watch.await_event("the other one", |event| is_of(event, "exec", &sane));
        assert_attributes(&event, &json!({ "process.user.id": 1234, USER: "ann", REAL_USER: "ann" }));
    }
}
