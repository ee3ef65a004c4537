//! Sockets behind which is no runtime: nothing waits for them, and what goes wrong is counted.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixListener,
    path::PathBuf,
    thread,
};

use doubleslit::identity::{
    failures::Reason,
    sockets::{Setting, SocketSource, containerd, cri},
    source::Source as _,
};
use doubleslit_testbed::wait;

use crate::harness::Follower;

const SOURCES: [fn(PathBuf, Setting) -> SocketSource; 2] = [cri::follow, containerd::follow];

const ID: &str = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";

/// Waits for two failures: the source tries again.
fn assert_unreachable(follower: &Follower) {
    assert_eq!(follower.try_tell(ID), None);
    wait::until("two failures are counted", || (follower.failures(Reason::Unreachable) >= 2).then_some(()));
    assert_eq!(follower.try_tell(ID), None);
    assert_eq!(follower.source.is_up(), Some(false));
    assert_eq!(follower.failures(Reason::Malformed), 0);
}

#[test]
fn no_socket() {
    for source in SOURCES {
        assert_unreachable(&Follower::start(source, "/nonexistent/some.sock".into()));
    }
}

#[test]
fn a_socket_that_never_answers() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let socket = directory.path().join("socket");
    let _listener = UnixListener::bind(&socket).expect("a socket can be made");
    let followers = SOURCES.map(|source| Follower::start(source, socket.clone()));
    followers.iter().for_each(assert_unreachable);
}

#[test]
fn a_socket_that_answers_garbage() {
    for answer in [&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"[..], &[0xff; 100_000], b""] {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let socket = directory.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket can be made");
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                // Whoever talks goes away when it hears nonsense.
                drop(stream.write_all(answer).and_then(|()| stream.read(&mut [0; 1024])));
            }
        });
        for source in SOURCES {
            assert_unreachable(&Follower::start(source, socket.clone()));
        }
    }
}
