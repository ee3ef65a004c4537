//! Events of system calls, with their arguments.

use doubleslit_testbed::{docker::LoadContainer, watch::Watch};
use serde_json::{Value, json};

use super::{assert_attributes, is_of, text, watch};
use crate::harness::docker;

const NAME: &str = "doubleslit.syscall.name";
const ARGUMENTS: &str = "doubleslit.syscall.arguments";
const ERRNO: &str = "doubleslit.syscall.errno";
const START: &str = "doubleslit.syscall.start_time";
const DURATION: &str = "doubleslit.syscall.duration_seconds";

/// The system calls of a container up to the first that `is_last`.
fn calls_until(watch: &Watch, container: &LoadContainer<'_>, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let is_its_own = |event: &Value| is_of(event, "syscall", container);
    let mut events = watch.await_events_until("the last call", |event| is_its_own(event) && is_last(event));
    events.retain(is_its_own);
    events
}

/// Checks name, error and some arguments of a call.
fn assert_call(event: &Value, name: &str, errno: &str, arguments: &Value) {
    assert_eq!((text(event, NAME), text(event, ERRNO)), (name, errno), "{event}");
    for (argument, value) in arguments.as_object().expect("an object") {
        assert_eq!(&event[ARGUMENTS][argument], value, "`{argument}` of {event}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn arguments_of_many_calls() {
    let mut container = docker().load("calls", &[]);
    let watch = watch(&[
        "--syscall=socket,connect,setsockopt,bind,listen,accept4,getpeername,kill,execve,clone,clone3,mount,ptrace,prlimit64",
        "--syscall=nanosleep,openat,999",
    ]);
    container.load.run("calls");
    let calls = calls_until(&watch, &container, |event| text(event, NAME) == "999");
    let mut calls = calls.iter();
    let mut next = |name: &str| calls.find(|event| text(event, NAME) == name).unwrap_or_else(|| panic!("no `{name}`"));

    let ipv4 = |port: u16| json!({"family": "AF_INET", "address": "127.0.0.1", "port": port});
    assert_call(
        next("socket"),
        "socket",
        "OK",
        &json!({"family": "AF_INET", "type": ["SOCK_STREAM"], "protocol": "IPPROTO_IP"}),
    );
    assert_call(next("connect"), "connect", "ECONNREFUSED", &json!({"uservaddr": ipv4(9), "addrlen": 16}));
    let ipv6 = json!({"family": "AF_INET6", "address": "::1", "port": 9});
    // Not every container's network has this address.
    assert_eq!(next("connect")[ARGUMENTS]["uservaddr"], ipv6);
    let unix = json!({"family": "AF_UNIX", "path": "/no/such.sock"});
    assert_call(next("connect"), "connect", "ENOENT", &json!({ "uservaddr": unix }));
    assert_call(next("connect"), "connect", "OK", &json!({"uservaddr": {"family": "AF_UNSPEC"}}));
    assert_call(
        next("setsockopt"),
        "setsockopt",
        "OK",
        &json!({"level": "SOL_SOCKET", "optname": "SO_REUSEADDR", "optval": 1, "optlen": 4}),
    );
    assert_call(next("bind"), "bind", "OK", &json!({"umyaddr": ipv4(8080)}));
    assert_call(next("listen"), "listen", "OK", &json!({"backlog": 1}));
    assert_call(next("connect"), "connect", "OK", &json!({"uservaddr": ipv4(8080)}));
    let accepted = next("accept4");
    assert_call(accepted, "accept4", "OK", &json!({"flags": ["SOCK_CLOEXEC"]}));
    let peer = &accepted[ARGUMENTS]["upeer_sockaddr"];
    assert_eq!((&peer["family"], &peer["address"]), (&json!("AF_INET"), &json!("127.0.0.1")), "{accepted}");
    assert!(peer["port"].as_u64().is_some_and(|port| port > 1023), "{accepted}");
    assert_call(next("getpeername"), "getpeername", "OK", &json!({"usockaddr": ipv4(8080)}));
    assert_call(next("kill"), "kill", "ESRCH", &json!({"pid": 0x7fff_fff0, "sig": "SIGUSR1"}));
    let failed = next("execve");
    let arguments = json!({"filename": "/no/such/program", "argv": ["missing", "--flag", "a b"]});
    assert_call(failed, "execve", "ENOENT", &arguments);
    assert_eq!(failed["doubleslit.syscall.return_value"], -libc::ENOENT);
    // What seccomp refuses does not begin, but returns.
    let flags = json!({"clone_flags": ["CLONE_THREAD", "CLONE_NEWNS", "SIGCHLD"]});
    let refused = next("clone");
    assert_call(refused, "clone", "EPERM", &flags);
    assert_attributes(refused, &json!({ START: null, DURATION: null }));
    let refused = next("clone3");
    assert_eq!(refused[ARGUMENTS]["uargs"]["flags"], json!(["CLONE_THREAD", "CLONE_NEWPID"]), "{refused}");
    assert_eq!(refused[ARGUMENTS]["uargs"]["exit_signal"], "SIGCHLD", "{refused}");
    assert_attributes(refused, &json!({ ERRNO: "ENOSYS", START: null }));
    assert_call(
        next("mount"),
        "mount",
        "EPERM",
        &json!({
            "dev_name": "/no/source", "dir_name": "/no/target", "type": "tmpfs", "flags": ["MS_RDONLY", "MS_NOSUID"],
        }),
    );
    assert_call(next("ptrace"), "ptrace", "ESRCH", &json!({"request": "PTRACE_ATTACH", "pid": 0x7fff_fff0}));
    let limit = json!({"rlim_cur": 64, "rlim_max": "RLIM_INFINITY"});
    assert_call(next("prlimit64"), "prlimit64", "ESRCH", &json!({"resource": "RLIMIT_NOFILE", "new_rlim": limit}));
    let slept = next("nanosleep");
    assert_call(slept, "nanosleep", "OK", &json!({"rqtp": {"tv_sec": 0, "tv_nsec": 1}}));
    assert!(slept[DURATION].as_f64().is_some_and(|seconds| seconds >= 1e-9), "{slept}");
    let unreadable = next("openat");
    assert_call(unreadable, "openat", "EFAULT", &json!({"dfd": "AT_FDCWD", "filename": "0x8"}));
    assert_eq!(unreadable["doubleslit.syscall.unreadable_arguments"], json!(["filename"]));
    let cut = next("openat");
    assert_call(cut, "openat", "ENAMETOOLONG", &json!({"filename": "x".repeat(4096)}));
    assert_eq!(cut["doubleslit.syscall.truncated_arguments"], json!(["filename"]));
    let unknown = next("999");
    let raw = json!({"arg0": "0x1", "arg1": "0x2", "arg2": "0x3", "arg3": "0x4", "arg4": "0x5", "arg5": "0x6"});
    assert_attributes(
        unknown,
        &json!({
            ARGUMENTS: raw,
            ERRNO: "ENOSYS",
            "doubleslit.syscall.number": 999,
            "container.name": "calls",
            "process.pid": container.pid(),
            "process.vpid": 1,
            "process.user.id": 0,
        }),
    );
}

#[test]
#[ignore = "needs root and BTF"]
fn long_paths_that_are_there_and_are_not() {
    let container = docker().load("paths", &[]);
    let watch = watch(&["--syscall=openat"]);
    let path = format!("/tmp/{}", "d".repeat(195));
    let script = format!(": > {path}; true < {path}; true < {path}.missing; true < /tmp/end");
    docker().cli(["exec", "paths", "/bin/sh", "-c", &format!("{script} || true")]);
    let named = |event: &Value, name: &str| event[ARGUMENTS]["filename"] == name;
    let mut calls = calls_until(&watch, &container, |event| named(event, "/tmp/end"));
    calls.retain(|event| text(&event[ARGUMENTS], "filename").starts_with(&path));
    let [made, opened, missing] = &calls[..] else { panic!("{calls:?}") };
    let made_with = json!({
        "dfd": "AT_FDCWD", "filename": path, "flags": ["O_WRONLY", "O_CREAT", "O_TRUNC"], "mode": "0666",
    });
    assert_call(made, "openat", "OK", &made_with);
    assert_attributes(
        made,
        &json!({
            "doubleslit.syscall.argument_types": {"dfd": "int", "filename": "const char *", "flags": "int", "mode": "umode_t"},
            "doubleslit.syscall.truncated_arguments": null,
            "doubleslit.syscall.unreadable_arguments": null,
        }),
    );
    assert!(made["doubleslit.syscall.return_value"].as_i64().is_some_and(|fd| fd > 2), "{made}");
    assert_call(opened, "openat", "OK", &json!({"filename": path, "flags": ["O_RDONLY"]}));
    assert_call(missing, "openat", "ENOENT", &json!({"filename": format!("{path}.missing")}));
}

/// An execution that succeeds has other memory when it returns, and the call that ends a process never returns.
#[test]
#[ignore = "needs root and BTF"]
fn an_execution_and_its_end() {
    let container = docker().load("executes", &[]);
    let watch = watch(&["--syscall=execve,exit_group"]);
    docker().cli(["exec", "executes", "/bin/sh", "-c", "exec /bin/true one 'two words'"]);
    let executed = json!({"filename": "/bin/true", "argv": ["/bin/true", "one", "two words"]});
    let is_it = |event: &Value| event[ARGUMENTS]["filename"] == executed["filename"];
    let calls = calls_until(&watch, &container, is_it);
    let event = calls.last().expect("the execution");
    assert_call(event, "execve", "OK", &executed);
    assert_attributes(event, &json!({"doubleslit.syscall.return_value": 0, "doubleslit.process.comm": "true"}));
    assert!(event[DURATION].as_f64().is_some_and(|seconds| seconds > 0.0), "{event}");
    let ended = calls_until(&watch, &container, |ended| {
        text(ended, NAME) == "exit_group" && ended["process.pid"] == event["process.pid"]
    });
    assert_attributes(
        ended.last().expect("the end"),
        &json!({
            ARGUMENTS: {"error_code": 0},
            ERRNO: null,
            "doubleslit.syscall.return_value": null,
            DURATION: null,
        }),
    );
}

#[test]
#[ignore = "needs root and BTF"]
fn rules_and_kinds() {
    let mut container = docker().load("narrow", &[]);
    let rule = "event=syscall,syscall=openat,errno=ENOENT,arguments.filename=/there/*";
    let narrow = watch(&["--event=exit", "--syscall=openat,close", "--select", rule, "--select=event=exit"]);
    let wide = watch(&["--event=exec,exit"]);
    container.load.run("open-missing 1 3");
    container.load.run("exit 7 1");
    let is_end = |event: &Value| is_of(event, "exit", &container);
    let mut events = narrow.await_events_until("the end", is_end);
    events.retain(|event| text(event, "container.id") == container.id);
    let names: Vec<_> = events.iter().map(|event| (text(event, "event"), text(event, ERRNO))).collect();
    assert_eq!(names, [("syscall", "ENOENT"), ("syscall", "ENOENT"), ("syscall", "ENOENT"), ("exit", "")]);
    // Who does not ask for system calls gets none.
    let events = wide.await_events_until("the end", is_end);
    assert!(events.iter().all(|event| text(event, "event") != "syscall"));
}

#[test]
#[ignore = "needs root and BTF"]
fn never_its_own() {
    let mut container = docker().load("others", &[]);
    let mut watch = watch(&["--syscall=write,sendto,epoll_wait,futex"]);
    for _ in 0..20 {
        // Each answer of the load is written to a socket, and each event to standard output.
        container.load.run("sleep 0");
        watch.await_event("the answer", |event| is_of(event, "syscall", &container));
    }
    let pid = watch.pid();
    let (status, events) = watch.stop(libc::SIGTERM);
    assert!(status.success());
    assert!(events.iter().all(|event| event["process.pid"] != pid));
}

/// A new process has no pages yet of its parent's constants: what cannot be read when the execution begins is read where the
/// new program has it.
#[test]
#[ignore = "needs root and BTF"]
fn arguments_in_pages_that_are_not_there() {
    let mut container = docker().load("fresh", &[]);
    let watch = watch(&["--syscall=execveat"]);
    container.load.run("execveat 20");
    for _ in 0..20 {
        let event = watch.await_event("an execution", |event| is_of(event, "syscall", &container));
        assert_call(&event, "execveat", "OK", &json!({"argv": ["exit-at-once"], "flags": ["AT_EMPTY_PATH"]}));
        assert_eq!(event["doubleslit.syscall.unreadable_arguments"], Value::Null, "{event}");
    }
}
