//! Listeners of systemd, as `systemd-socket-activate` hands them over.

use std::process::{Command, Stdio};

use doubleslit_testbed::{
    exporter::{free_address, run},
    sys, wait,
};

use super::target::get;
use crate::harness::BINARY;

#[test]
#[ignore = "needs root and BTF"]
fn they_are_served_in_place_of_addresses() {
    for arguments in [&["--web.systemd-socket"][..], &[]] {
        served_in_place_of_addresses(arguments);
    }
}

fn served_in_place_of_addresses(arguments: &[&str]) {
    let (first, second) = (free_address(), free_address());
    let directory = tempfile::tempdir().expect("a directory can be made");
    // What systemd does: descriptors from 3 on, their number, and for whom they are.
    let script = "import os, socket, sys\n\
        ports = sys.argv[2].split(',')\n\
        for number, port in enumerate(ports):\n    \
            listener = socket.create_server(('127.0.0.1', int(port)))\n    \
            os.dup2(listener.fileno(), 10 + number)\n    \
            listener.detach()\n\
        for number in range(len(ports)):\n    \
            os.dup2(10 + number, 3 + number)\n\
        os.environ.update(LISTEN_FDS=str(len(ports)), LISTEN_PID=str(os.getpid()))\n\
        os.execv(sys.argv[1], [sys.argv[1], 'run'] + sys.argv[3:])\n";
    let mut child = Command::new("python3")
        .args(["-c", script, BINARY, &format!("{},{}", first.port(), second.port())])
        .args(arguments)
        .env("DOUBLESLIT_API__SOCKET", directory.path().join("api.sock"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3 can be run");
    let pid = child.id().cast_signed();
    for address in [first, second] {
        wait::until("it is ready", || {
            assert!(child.try_wait().expect("it is a child").is_none(), "it ended");
            get(address, None, "/-/ready", &[]).ok().filter(|answer| answer.status == 200)
        });
    }
    let environment = std::fs::read(format!("/proc/{pid}/environ")).expect("it runs");
    assert!(environment.windows(10).any(|part| part == b"LISTEN_FDS"), "it was started as systemd does");
    sys::send(pid, libc::SIGTERM).expect("it runs");
    assert!(child.wait().expect("it is a child").success());
}

#[test]
#[ignore = "needs root and BTF"]
fn without_one_the_start_fails() {
    let (status, _, told) = run(BINARY.as_ref(), &["run", "--web.systemd-socket"]);
    assert_eq!(status.code(), Some(1), "{told}");
    assert!(
        told.contains("systemd has handed over no socket: start the exporter by a unit of type `.socket`"),
        "{told}"
    );
}
