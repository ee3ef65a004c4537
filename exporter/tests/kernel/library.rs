//! The crate as a library: its examples beside a real engine, and what a program sees of its own.

mod tracepoints;

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use doubleslit::{Details, Kind, NamespaceType, Observer, Unseen};
use doubleslit_testbed::{
    docker::IMAGE,
    documented::{self, Runner},
    shell, sys, wait,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    bpf_objects::{await_gone, bpf_objects, is_there},
    harness::{BINARY, docker},
};

/// The path of an example's binary.
fn example(name: &str) -> PathBuf {
    let path = Path::new(BINARY).with_file_name("examples").join(name);
    assert!(path.is_file(), "`cargo build --release --package doubleslit --examples` builds `{}`", path.display());
    path
}

/// A running example. It is killed when this is dropped.
struct Example {
    child: Child,
    lines: Receiver<String>,
    _directory: TempDir,
}

impl Example {
    /// Starts it and waits until it says that it observes.
    fn start(name: &str, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let log = directory.path().join("log");
        let mut command = Command::new(example(name));
        command.args(arguments).env("DOUBLESLIT_IDENTITY__DOCKER_ROOT", docker().data_root());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child =
            command.stderr(File::create(&log).expect("a file can be written")).spawn().expect("it can be run");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        wait::until("it observes", || {
            let log = fs::read_to_string(&log).unwrap_or_default();
            assert_eq!(child.try_wait().expect("it is a child"), None, "{log}");
            log.contains("observing").then_some(())
        });
        Self { child, lines, _directory: directory }
    }

    /// Its lines up to one that `is_last`. Then it is ended, and must leave nothing.
    fn lines_until(mut self, mut is_last: impl FnMut(&str) -> bool) -> Vec<String> {
        let mut lines = Vec::<String>::new();
        while !lines.last().is_some_and(|line| is_last(line)) {
            let line = self.lines.recv_timeout(wait::PATIENCE);
            lines.push(line.unwrap_or_else(|error| panic!("{error} behind {lines:#?}")));
        }
        let pid = self.child.id().cast_signed();
        let objects = bpf_objects(pid);
        assert!(objects.iter().any(|(kind, _)| kind == "prog") && objects.iter().all(is_there), "{objects:?}");
        sys::send(pid, libc::SIGTERM).expect("it runs");
        self.child.wait().expect("it is a child");
        await_gone(&objects);
        lines
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The number of a process's PID namespace.
fn pid_namespace(pid: &str) -> u64 {
    let link = fs::read_link(format!("/proc/{pid}/ns/pid")).expect("the process runs");
    let number = link.to_str().and_then(|text| text.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok());
    number.expect("the number of a namespace")
}

#[test]
#[ignore = "needs root and BTF"]
fn from_the_client_to_the_containers_program() {
    docker();
    let commands = documented::commands(Runner::Library);
    let [command] = commands.as_slice() else { panic!("{commands:?}") };
    let name = command.text.strip_prefix("sudo target/release/examples/").expect("an example");
    let example = Example::start(name, &[]);
    let mut client = docker().command();
    client.args(["run", "--detach", "--network=none", "--name=library-chain", IMAGE, "sleep", "3600"]);
    let id = String::from_utf8(shell::output(&mut client).stdout).expect("text").trim().to_owned();
    let pid = docker().inspect(&id, "{{.State.Pid}}");
    let last = format!("{pid} {} \"/bin/sleep\"", pid_namespace(&pid));
    let lines = example.lines_until(|line| line == last);
    docker().remove(&id);

    let cells: Vec<Vec<_>> = lines.iter().map(|line| line.splitn(3, ' ').collect()).collect();
    let mut paths = cells.iter().map(|cells| cells[2].trim_matches('"'));
    for link in ["/docker", "/containerd-shim-runc-v2", "/runc", "/proc/self/exe", "/bin/sleep"] {
        assert!(paths.any(|path| path.ends_with(link)), "`{link}` in its place in {lines:#?}");
    }
    // The container's own namespace has its own program alone.
    let namespace = pid_namespace("self").to_string();
    let own: Vec<_> = cells.iter().filter(|cells| cells[1] != namespace).map(|cells| cells.join(" ")).collect();
    assert_eq!(own, [last], "{lines:#?}");
}

#[test]
#[ignore = "needs root and BTF"]
fn what_containers_do_without_what_is_dropped() {
    let mut sockets = docker().load("library-sockets", &[]);
    let dropped = [
        "comm=runc*",
        "event=exec,path=/proc/self/*",
        "event=exec,path=/bin/true",
        "event=signal,signal=SIGCHLD,signal=SIGURG",
    ];
    let example = Example::start("container_events", &dropped);
    sockets.load.run("connect-refused 127.0.0.1 9 3");
    let script = "trap : USR1; /bin/true; /bin/false; kill -USR1 $$; exit 3";
    let id = docker().run(&["--name=library-events"], &["sh", "-c", script]);
    let parse = |line: &str| -> Value { serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")) };
    // Its stop does not come the same way as what it did before.
    let mut ends = ["container_stop", "signal_deliver"].to_vec();
    let lines = example.lines_until(|line| {
        let event = parse(line);
        ends.retain(|end| event["event"] != *end || event["container.id"] != id.as_str());
        ends.is_empty()
    });
    docker().remove(&id);

    let events: Vec<_> = lines.iter().map(|line| parse(line)).collect();
    assert!(events.iter().all(|event| event["container.id"].is_string()), "the host's are dropped: {events:#?}");
    let values = |id: &str, name: &str, attribute: &str| -> Vec<Value> {
        let of_kind = events.iter().filter(|event| event["container.id"] == id && event["event"] == name);
        of_kind.map(|event| event[attribute].clone()).collect()
    };
    let count = |id: &str| events.iter().filter(|event| event["container.id"] == id).count();

    assert_eq!(values(&id, "container_start", "container.name"), ["library-events"]);
    assert_eq!(values(&id, "exec", "process.executable.path"), ["/bin/sh", "/bin/false"]);
    assert_eq!(values(&id, "signal_generate", "doubleslit.signal.name"), ["SIGUSR1"]);
    assert_eq!(values(&id, "signal_deliver", "doubleslit.signal.name"), ["SIGUSR1"]);
    assert_eq!(values(&id, "container_stop", "process.exit.code"), [3]);
    assert_eq!(count(&id), 6, "{events:#?}");
    let states = values(&sockets.id, "socket_state", "network.connection.state");
    assert_eq!(states, ["syn_sent", "closed"].repeat(3));
}

#[test]
#[ignore = "needs root and BTF"]
fn without_capabilities_it_says_what_to_do() {
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]).arg(example("exec_chain"));
    let output = shell::output(&mut command);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    let expected =
        "Error: cannot observe this machine: capabilities: `CAP_BPF` and `CAP_PERFMON` missing, run it as root";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
#[ignore = "needs root and BTF"]
fn an_asynchronous_program_sees_events_and_leaves_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let objects = runtime.block_on(async {
        let mut events = Observer::new().events([Kind::Exec]).select("path=/bin/true").open().expect("root may");
        let objects = bpf_objects(std::process::id().cast_signed());
        assert!(objects.iter().any(|(kind, _)| kind == "prog") && objects.iter().all(is_there), "{objects:?}");
        let child = Command::new("/bin/true").spawn().expect("it can be run");
        let pid = child.id();
        child.wait_with_output().expect("it is a child");
        let event = loop {
            let event = events.recv().await.expect("they come until it is dropped");
            if event.pid() == Some(pid) {
                break event;
            }
        };
        let Details::Exec(exec) = &event.details else { panic!("no execution: {event}") };
        assert_eq!((&*event.name(), exec.path.as_str()), ("exec", "/bin/true"));
        let process = event.process.as_ref().expect("executions have one");
        assert_eq!(u64::from(process.namespace(NamespaceType::Pid)), pid_namespace("self"));
        assert_eq!((events.missed(), events.unseen()), (0, Unseen::default()));
        objects
    });
    await_gone(&objects);
}
