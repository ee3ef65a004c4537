//! Tracepoints by name, and the fields of their hits.

use std::io::Write as _;

use doubleslit::{Event, Hit, Kind, Observer, Unseen};
use doubleslit_testbed::docker::LoadContainer;
use tempfile::NamedTempFile;

use crate::harness::docker;

/// Observes what happens in a container, with names from the engine's files.
fn observer(container: &LoadContainer<'_>) -> (NamedTempFile, Observer) {
    let mut file = NamedTempFile::new().expect("a file can be made");
    writeln!(file, "identity: {{docker_root: \"{}\"}}", docker().data_root().display()).expect("it can be written");
    let observer = Observer::new().config_file(file.path()).select(format!("container_id={}", container.id));
    (file, observer)
}

/// The next event, which must be a hit of this tracepoint by this process of the container.
fn next<'a>(events: &mut impl Iterator<Item = &'a Event>, name: &str, pid: i64, container: &str) -> &'a Hit {
    let event = events.next().expect("an event");
    assert_eq!((&*event.name(), event.kind()), (name, Kind::Tracepoint), "{event}");
    assert_eq!((event.pid().map(i64::from), event.identity.container_id.as_str()), (Some(pid), container), "{event}");
    event.hit().expect("a hit")
}

#[test]
#[ignore = "needs root and BTF"]
fn fields_of_forks_and_executions() {
    let mut container = docker().load("library-tracepoints", &[]);
    let (_file, observer) = observer(&container);
    let observer = observer.tracepoint("sched:sched_process_fork").tracepoint("sched:sched_process_ex*");
    let mut events = observer.tracepoint("sys_enter_execve").open().expect("root may");
    container.load.run("exec 3");
    container.load.run("exit 7 1");
    let seen: Vec<_> = events.by_ref().take(3 * 4 + 2).collect();
    assert_eq!((events.missed(), events.unseen()), (0, Unseen::default()));

    let (parent, id) = (i64::from(container.pid()), container.id.as_str());
    let (mut seen, mut children) = (seen.iter(), Vec::new());
    let mut fork = |seen: &mut std::slice::Iter<'_, Event>| {
        let fork = next(seen, "sched:sched_process_fork", parent, id);
        assert_eq!((fork.int("parent_pid"), fork.int("common_pid")), (Ok(parent), Ok(parent)));
        for comm in ["parent_comm", "child_comm"] {
            assert_eq!(fork.str(comm), Ok("doubleslit-load".into()));
            assert_eq!(fork.bytes(comm), Ok(&b"doubleslit-load\0"[..]));
        }
        let child = fork.int("child_pid").expect("a number");
        assert!(child != parent && !children.contains(&child), "{child} is new beside {children:?}");
        children.push(child);
        child
    };
    for _ in 0..3 {
        let child = fork(&mut seen);
        // The path is in the process's memory, and where the kernel has it.
        let execve = next(&mut seen, "syscalls:sys_enter_execve", child, id);
        assert_eq!(execve.int("__syscall_nr"), Ok(libc::SYS_execve));
        let exec = next(&mut seen, "sched:sched_process_exec", child, id);
        for hit in [execve, exec] {
            assert_eq!(hit.str("filename"), Ok("/served/exit-at-once.1".into()));
            assert_eq!(hit.bytes("filename"), Ok(&b"/served/exit-at-once.1\0"[..]));
            assert_eq!(hit.is_whole("filename"), Ok(true));
        }
        assert!(execve.uint("filename").is_ok_and(|address| address > 0x1000), "an address");
        assert_eq!((exec.int("pid"), exec.int("old_pid")), (Ok(child), Ok(child)));
        let exit = next(&mut seen, "sched:sched_process_exit", child, id);
        assert_eq!((exit.int("pid"), exit.int("prio")), (Ok(child), Ok(120)));
        assert_eq!(exit.str("comm"), Ok("exit-at-once.1".into()));
        assert_eq!(exit.bytes("comm"), Ok(&b"exit-at-once.1\0\0"[..]));

        let text = |error: Option<doubleslit::FieldError>| error.expect("refused").to_string();
        assert_eq!(
            text(execve.str("argv").err()),
            "the field `argv` of the tracepoint `syscalls:sys_enter_execve` is a `const char *const *` and no text"
        );
        let expected = "the tracepoint `sched:sched_process_exec` has no field `path`: expected one of `common_type`, ";
        assert!(text(exec.str("path").err()).starts_with(expected));
    }
    let child = fork(&mut seen);
    let exit = next(&mut seen, "sched:sched_process_exit", child, id);
    assert_eq!((exit.int("pid"), exit.str("comm")), (Ok(child), Ok("doubleslit-load".into())));
    assert!(seen.next().is_none());
}

#[test]
#[ignore = "needs root and BTF"]
fn come_beside_kinds_of_events() {
    let mut container = docker().load("library-both", &[]);
    let (_file, observer) = observer(&container);
    let mut events = observer.events([Kind::Exec]).tracepoint("sched:sched_process_exec").open().expect("root may");
    container.load.run("exec 50");
    let (hits, executions): (Vec<_>, Vec<_>) = events.by_ref().take(100).partition(|event| event.hit().is_some());
    assert_eq!((hits.len(), executions.len()), (50, 50));
    // Two programs saw the same.
    for (hit, execution) in hits.iter().zip(&executions) {
        let hit = hit.hit().expect("a hit");
        assert_eq!(&*execution.name(), "exec");
        assert_eq!(hit.uint("pid").ok(), execution.pid().map(u64::from));
    }
}

#[test]
#[ignore = "needs root"]
fn those_that_are_not_there_are_told_with_the_closest_names() {
    let error = Observer::new().tracepoint("sched:sched_proces_fork").open().expect_err("there is none").to_string();
    let expected = "this kernel has no tracepoint `sched:sched_proces_fork`: expected a name such as \
                    `sched:sched_process_fork`, ";
    assert!(error.starts_with(expected), "{error}");
}
