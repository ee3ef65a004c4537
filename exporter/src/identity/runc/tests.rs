//! State of a real runc and crun, and state as it should not be.

use std::{fs, path::Path, time::SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::identity::{failures::Reason, state_file::LIMIT_NAMES};

fn state(root: &Path) -> RuncState {
    let cgroup = root.join("sys/fs/cgroup/unified");
    RuncState::new(&Roots { run: "/run".into(), ..Roots::below(root, cgroup) })
}

fn real() -> RuncState {
    state(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity"))
}

/// What is told by somebody who has looked again.
fn told(state: &RuncState, cgroup: &str) -> Result<Option<Facts>, Reason> {
    state.0.borrow_mut().next = None;
    ask(state, cgroup, Instant::now())
}

/// What is told of a cgroup that was already there at `since`.
fn ask(state: &RuncState, cgroup: &str, since: Instant) -> Result<Option<Facts>, Reason> {
    state.tell(&Wanted { runtime: None, id: "", cgroup, since }).map_err(|trouble| trouble.reason)
}

fn id(state: &RuncState, cgroup: &str) -> Result<Option<String>, Reason> {
    told(state, cgroup).map(|facts| facts.map(|facts| facts.container_id))
}

fn is(id: &str) -> Result<Option<String>, Reason> {
    Ok(Some(id.to_owned()))
}

/// The text of runc's file.
fn runc(cgroup: &str) -> String {
    serde_json::json!({ "cgroup_paths": { "": format!("/sys/fs/cgroup/unified{cgroup}") } }).to_string()
}

/// The text of crun's file.
fn crun(cgroup: &str) -> String {
    serde_json::json!({ "cgroup-path": cgroup }).to_string()
}

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join("run").join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

/// Makes a container's directory look old.
fn age(path: &Path) {
    let then = SystemTime::now() - Duration::from_secs(60);
    fs::File::open(path).and_then(|directory| directory.set_modified(then)).expect("a time");
}

#[test]
fn finds_the_container_with_a_cgroup() {
    for (cgroup, runtime, id, started) in [
        ("/shop/worker", Runtime::Runc, "worker-1", "2026-11-20T22:34:03.693243059Z"),
        ("/worker-2", Runtime::Runc, "worker-2", "2026-11-20T22:34:04.2687094Z"),
        ("/shop/quick", Runtime::Crun, "worker-3", "2026-11-20T22:34:20.570271Z"),
    ] {
        let expected = Facts {
            scope: Some(Scope::Container),
            runtime: Some(runtime),
            container_id: id.to_owned(),
            container: id.to_owned(),
            started: humantime::parse_rfc3339(started).ok(),
            ..Facts::default()
        };
        assert_eq!(told(&real(), cgroup), Ok(Some(expected)), "{cgroup}");
    }
    for cgroup in ["/", "", "/shop", "/shop/worker/nested", "/system.slice/ssh.service"] {
        assert_eq!(told(&real(), cgroup), Ok(None), "{cgroup}");
    }
}

#[test]
fn a_name_may_look_like_an_id_of_docker() {
    let root = tempfile::tempdir().expect("a directory");
    let name = "ab".repeat(32);
    write(root.path(), &format!("runc/{name}/state.json"), &runc(&format!("/{name}")));
    let state = state(root.path());
    let ask = |runtime, cgroup: &str| {
        let facts = state
            .tell(&Wanted { runtime: Some(runtime), id: &name, cgroup, since: Instant::now() })
            .expect("an answer");
        facts.map(|facts| facts.runtime)
    };
    assert_eq!(ask(Runtime::Docker, &format!("/{name}")), Some(Some(Runtime::Runc)));
    assert_eq!(ask(Runtime::Docker, &format!("/docker/{name}")), None);
    for runtime in [Runtime::Podman, Runtime::CriO, Runtime::Containerd, Runtime::Lxc] {
        assert_eq!(ask(runtime, &format!("/{name}")), None);
    }
}

#[test]
fn waits_for_a_file_that_is_about_to_be_written() {
    let root = tempfile::tempdir().expect("a directory");
    let state = state(root.path());
    assert_eq!(id(&state, "/a"), Ok(None));
    fs::create_dir_all(root.path().join("run/crun/a")).expect("a directory");
    assert_eq!(id(&state, "/a"), Err(Reason::Missing));
    write(root.path(), "crun/a/status", &crun("/a"));
    assert_eq!(id(&state, "/a"), is("a"));
    assert_eq!(id(&state, "/b"), Ok(None));
}

#[test]
fn does_not_wait_for_a_file_that_never_came() {
    let root = tempfile::tempdir().expect("a directory");
    let directory = root.path().join("run/runc/a");
    fs::create_dir_all(&directory).expect("a directory");
    age(&directory);
    assert_eq!(id(&state(root.path()), "/a"), Ok(None));
}

#[test]
fn follows_containers_that_come_and_go() {
    let root = tempfile::tempdir().expect("a directory");
    let state = state(root.path());
    write(root.path(), "runc/a/state.json", &runc("/one"));
    assert_eq!(id(&state, "/one"), is("a"));
    write(root.path(), "runc/b/state.json", &runc("/two"));
    assert_eq!((id(&state, "/one"), id(&state, "/two")), (is("a"), is("b")));
    // The same name again, elsewhere.
    fs::remove_dir_all(root.path().join("run/runc/a")).expect("removed");
    fs::create_dir(root.path().join("run/runc/a")).expect("a directory");
    assert_eq!((id(&state, "/one"), id(&state, "/two")), (Err(Reason::Missing), is("b")));
    write(root.path(), "runc/a/state.json", &runc("/three"));
    assert_eq!((id(&state, "/one"), id(&state, "/three")), (Ok(None), is("a")));
    fs::remove_dir_all(root.path().join("run/runc")).expect("removed");
    assert_eq!((id(&state, "/two"), id(&state, "/three")), (Ok(None), Ok(None)));
}

#[test]
fn users_speak_for_their_own_slice_only() {
    let root = tempfile::tempdir().expect("a directory");
    let state = state(root.path());
    let own = |uid| format!("/user.slice/user-{uid}.slice/user@{uid}.service/a.scope");
    write(root.path(), "user/1000/crun/mine/status", &crun(&own(1000)));
    write(root.path(), "user/1000/crun/sshd/status", &crun("/system.slice/ssh.service"));
    write(root.path(), "user/1000/runc/bobs/state.json", &runc(&own(1001)));
    write(root.path(), "user/junk/crun/a/status", &crun("/junk"));
    assert_eq!(id(&state, &own(1000)), is("mine"));
    assert_eq!(id(&state, "/system.slice/ssh.service"), Ok(None));
    assert_eq!(id(&state, &own(1001)), Ok(None));
    write(root.path(), "user/1001/crun/hers/status", &crun(&own(1001)));
    assert_eq!(id(&state, &own(1001)), is("hers"));
    fs::remove_dir_all(root.path().join("run/user/1000")).expect("removed");
    assert_eq!((id(&state, &own(1000)), id(&state, &own(1001))), (Ok(None), is("hers")));
}

#[test]
fn survives_what_is_no_state() {
    let root = tempfile::tempdir().expect("a directory");
    let state = state(root.path());
    write(root.path(), "runc/good/state.json", &runc("/good"));
    for (number, text) in [
        r#"{"cgroup_paths":{"":"/sys"#,
        "7",
        r#"{"cgroup_paths":7}"#,
        &format!(r#"{{"created":"{}"}}"#, "x".repeat(10 << 20)),
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("runc/broken-{number}/state.json");
        write(root.path(), &file, text);
        let path = root.path().join("run").join(&file);
        age(&path);
        age(path.parent().expect("a directory"));
        assert_eq!(id(&state, "/other"), Err(Reason::Malformed), "{text:.20}");
        // Once is enough.
        assert_eq!((id(&state, "/other"), id(&state, "/good")), (Ok(None), is("good")), "{text:.20}");
    }
    write(root.path(), "runc/broken-0/state.json", &runc("/mended"));
    assert_eq!(id(&state, "/mended"), is("broken-0"));
    for text in
        ["{}", r#"{"cgroup_paths":null,"created":null}"#, r#"{"cgroup_paths":{"memory":"/sys/fs/cgroup/memory/x"}}"#]
    {
        write(root.path(), "runc/bare/state.json", text);
        assert_eq!((id(&state, "/x"), id(&state, "")), (Ok(None), Ok(None)), "{text}");
        fs::remove_dir_all(root.path().join("run/runc/bare")).expect("removed");
        assert_eq!(id(&state, "/x"), Ok(None));
    }
}

#[test]
fn refuses_what_is_no_file() {
    let root = tempfile::tempdir().expect("a directory");
    let state = state(root.path());
    let directory = root.path().join("run/crun/a");
    fs::create_dir_all(&directory).expect("a directory");
    mknodat(CWD, directory.join("status"), FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    assert_eq!(id(&state, "/a"), Err(Reason::Unreadable));
    let other = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(other.path().join("run")).expect("a directory");
    mknodat(CWD, other.path().join("run/runc"), FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    assert_eq!(id(&self::state(other.path()), "/a"), Ok(None));
}

#[test]
fn tells_when_there_are_too_many() {
    let root = tempfile::tempdir().expect("a directory");
    let directory = root.path().join("run/runc");
    fs::create_dir_all(&directory).expect("a directory");
    for number in 0..=LIMIT_NAMES {
        mknodat(CWD, directory.join(number.to_string()), FileType::RegularFile, Mode::RWXU, 0).expect("a file");
    }
    age(&directory);
    let state = state(root.path());
    assert_eq!(id(&state, "/a"), Err(Reason::Malformed));
    // Once is enough. What was found there may still become containers.
    assert_eq!(id(&state, "/a"), Err(Reason::Missing));
}

/// The next look waits until now is long enough ago, and until then nobody knows of what is new.
#[test]
fn looks_seldom_when_many_ask() {
    let state = real();
    let since = Instant::now();
    assert_eq!(ask(&state, "/nobody", since), Ok(None));
    let far = Instant::now() + Duration::from_secs(3600);
    state.0.borrow_mut().next = Some(far);
    for number in 0..10_000 {
        let cgroup = format!("/system.slice/{number}.service");
        assert_eq!(ask(&state, &cgroup, since), Ok(None));
        assert_eq!(ask(&state, &cgroup, Instant::now()), Err(Reason::Missing));
    }
    assert_eq!(state.0.borrow().next, Some(far));
}
