use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, task::spawn_blocking};

use super::*;
use crate::{
    config::{self, Flags, ListenAddress, WebLimits},
    counts::snapshot::MapRead,
    web::{Error, Hosts, Servers, Web, bind},
};

const OPTION: &str = "--web.listen-address";

struct Fake {
    ready: AtomicBool,
    snapshot: Mutex<Arc<Snapshot>>,
}

impl Source for Fake {
    fn fresh(&self) -> Fresh<'_> {
        let snapshot = Arc::clone(&self.snapshot.lock().expect("not poisoned"));
        let ready = self.is_ready();
        Box::pin(async move { ready.then_some(snapshot) })
    }

    fn internals(&self) -> Arc<Internals> {
        Arc::default()
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}

fn chain(error: Error) -> String {
    use std::error::Error as _;
    format!("{error}: {}", error.source().expect("a cause"))
}

struct Server {
    port: u16,
    fake: Arc<Fake>,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<Result<(), Error>>,
}

fn address(port: u16) -> ListenAddress {
    ListenAddress { host: "127.0.0.1".to_owned(), port }
}

fn limits() -> WebLimits {
    config::load(None, [], &Flags::default()).expect("defaults").web.limits
}

fn start() -> Server {
    start_at(bind(&[address(0)], OPTION).expect("a free port"), limits())
}

/// Serves at sockets that listen already.
fn start_at(listeners: Vec<TcpListener>, limits: WebLimits) -> Server {
    let fake = Arc::new(Fake { ready: AtomicBool::new(true), snapshot: Mutex::default() });
    let settings = Settings::default();
    let port = listeners[0].local_addr().expect("bound").port();
    let (stop, stopped) = oneshot::channel();
    let router = router("/m", Arc::new(settings), fake.clone());
    let mut servers = Servers::default();
    let web = Web::open(None, limits).expect("nothing to read");
    servers.add_tcp(listeners, &web.for_visitors(router, Hosts::any())).expect("it serves");
    let ended = tokio::spawn(servers.until(async {
        let _ = stopped.await;
    }));
    Server { port, fake, stop: Some(stop), ended }
}

impl Server {
    /// Status, header lines in lower case, and body of the answer.
    async fn ask(&self, request: &str) -> (u16, String, Vec<u8>) {
        // Of version 1.0, so that the body ends with the connection and comes in one piece.
        let (line, headers) = request.split_once('\n').expect("a line");
        let request = format!("{line} HTTP/1.0\r\n{}\r\n\r\n", headers.replace('\n', "\r\n"));
        let port = self.port;
        let answer = spawn_blocking(move || {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
            stream.write_all(request.as_bytes()).expect("sent");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).expect("received");
            answer
        })
        .await
        .expect("no panic");
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("an end of the header");
        let header = String::from_utf8(answer[..end].to_vec()).expect("text");
        let status = header.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, header.to_lowercase(), answer[end + 4..].to_vec())
    }

    async fn text(&self, request: &str) -> (u16, String) {
        let (status, _, body) = self.ask(request).await;
        (status, String::from_utf8(body).expect("text"))
    }
}

#[tokio::test]
async fn the_plain_pages() {
    let server = start();
    assert_eq!(server.text("GET /-/healthy\n").await, (200, "healthy\n".to_owned()));
    assert_eq!(server.text("GET /-/ready\n").await, (200, "ready\n".to_owned()));
    let unknown = "not found: there are `/`, `/m`, `/-/healthy` and `/-/ready`\n".to_owned();
    assert_eq!(server.text("GET /metrics\n").await, (404, unknown));
    assert_eq!(server.ask("POST /m\n").await.0, 405);
    for method in ["GET", "POST"] {
        let refusal = (403, NOT_HERE.to_owned());
        assert_eq!(server.text(&format!("{method} {RELOAD}\n")).await, refusal, "{method}");
    }
}

#[tokio::test]
async fn nothing_before_the_first_snapshot() {
    let server = start();
    server.fake.ready.store(false, Ordering::Relaxed);
    let refusal = (503, "not ready: the maps were not read yet\n".to_owned());
    assert_eq!(server.text("GET /-/ready\n").await, refusal);
    assert_eq!(server.text("GET /m\n").await, refusal);
    assert_eq!(server.ask("GET /-/healthy\n").await.0, 200);
}

#[tokio::test]
async fn formats_by_accept() {
    let server = start();
    let (status, header, body) = server.ask("GET /m\n").await;
    assert_eq!(status, 200);
    assert!(header.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{header}");
    let body = String::from_utf8(body).expect("text");
    assert!(body.contains("# TYPE process_cpu_seconds_total counter\n") && !body.contains("# EOF"), "{body}");

    let (_, header, body) = server.ask("GET /m\nAccept: application/openmetrics-text").await;
    let expected = "\r\ncontent-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(header.contains(expected), "{header}");
    let body = String::from_utf8(body).expect("text");
    assert!(body.contains("# TYPE process_cpu_seconds counter\n") && body.ends_with("\n# EOF\n"), "{body}");

    let (_, header, _) =
        server.ask("GET /m\nAccept: text/plain;q=0.5\nAccept: application/openmetrics-text;q=0.6").await;
    assert!(header.contains(expected), "{header}");
    assert_eq!(server.ask("HEAD /m\n").await.2, b"");
}

#[tokio::test]
async fn compressed_when_asked_for() {
    let server = start();
    let (_, header, body) = server.ask("GET /m\nAccept-Encoding: gzip").await;
    assert!(header.contains("\r\ncontent-encoding: gzip"), "{header}");
    assert_eq!(body[..3], [0x1f, 0x8b, 8]);
    let (_, plain, text) = server.ask("GET /m\n").await;
    assert!(!plain.contains("content-encoding"), "{plain}");
    assert!(body.len() * 2 < text.len(), "{} of {} bytes", body.len(), text.len());
}

/// More text than all buffers between here and there can hold.
fn much() -> Arc<Snapshot> {
    let read = |number: usize| MapRead {
        map: format!("{number:0500}").leak(),
        keys: 0,
        capacity: 0,
        syscalls: 0,
        duration: Duration::ZERO,
    };
    Arc::new(Snapshot { maps: (0..5000).map(read).collect(), ..Snapshot::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_is_whole() {
    let server = start();
    *server.fake.snapshot.lock().expect("not poisoned") = much();
    let (_, _, body) = server.ask("GET /m\nAccept: application/openmetrics-text").await;
    assert!(body.len() > 10 << 20 && body.ends_with(b"\n# EOF\n"), "{} bytes", body.len());
}

#[test]
fn who_does_not_read_makes_room_and_the_end_waits_for_no_one() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (stalled, began) = runtime.block_on(async {
        let mut server = start();
        *server.fake.snapshot.lock().expect("not poisoned") = much();
        // Readers that ask and then take nothing.
        let mut stalled = Vec::new();
        for _ in 0..SCRAPES_MAX {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("connected");
            stream.write_all(b"GET /m HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
            stream.read_exact(&mut [0]).expect("the answer began");
            stalled.push(stream);
        }
        // Nobody can tell at once that these will not be read: not before as much is written as the kernel takes.
        let began = Instant::now();
        let body = loop {
            let (status, _, body) = server.ask("GET /m\nAccept: application/openmetrics-text").await;
            if status == 200 {
                break body;
            }
            assert_eq!(status, 503);
            assert!(began.elapsed() < Duration::from_secs(20), "they make no room");
        };
        assert!(body.ends_with(b"\n# EOF\n"));
        assert_eq!(server.ask("GET /-/healthy\n").await.0, 200);

        let began = Instant::now();
        server.stop.take().expect("once").send(()).expect("it still runs");
        server.ended.await.expect("no panic").expect("no error");
        (stalled, began)
    });
    // Waits for the threads that still write.
    drop(runtime);
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    drop(stalled);
}

#[tokio::test]
async fn who_has_asked_is_answered_although_many_came_before_anybody_looked() {
    let listeners = bind(&[address(0)], OPTION).expect("a free port");
    let place = listeners[0].local_addr().expect("bound");
    let connect = || TcpStream::connect(place).expect("connected");
    let mut first = connect();
    first.write_all(b"GET /-/healthy HTTP/1.0\r\n\r\n").expect("sent");
    // All of them wait when the first is accepted.
    let silent: Vec<_> = (0..200).map(|_| connect()).collect();
    let server = start_at(listeners, WebLimits { connections: 4, ..limits() });
    let answer = spawn_blocking(move || {
        let mut answer = String::new();
        first.read_to_string(&mut answer).expect("received");
        answer
    });
    assert!(answer.await.expect("no panic").starts_with("HTTP/1.0 200 "));
    drop((silent, server));
}

#[tokio::test]
async fn scrapes_that_are_read_make_no_room() {
    let scrapes = Arc::new(scrapes::Scrapes::new(2));
    let first = scrapes.begin().await.expect("there is room");
    let _second = scrapes.begin().await.expect("there is room");
    assert!(scrapes.begin().await.is_none(), "both are read");
    let (turn, waiting) = (Arc::clone(&first.turn), tokio::sync::Notify::new());
    tokio::join!(
        async {
            assert_eq!(turn.waiting(waiting.notified()).await, None, "it has to make room");
            drop(first);
        },
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(scrapes.begin().await.is_some(), "one of them is not read");
        },
    );
}

#[tokio::test]
async fn a_body_that_is_not_finished_breaks() {
    use axum::body::{Body, Bytes, to_bytes};
    let (writer, reader) = stream::channel(Arc::default());
    writer.send(Bytes::from_static(b"half")).expect("room");
    drop(writer);
    to_bytes(Body::new(reader), usize::MAX).await.expect_err("it must not look whole");

    let (writer, reader) = stream::channel(Arc::default());
    writer.send(Bytes::from_static(b"whole")).expect("room");
    writer.finish();
    assert_eq!(to_bytes(Body::new(reader), usize::MAX).await.expect("whole"), "whole");

    let (writer, reader) = stream::channel(Arc::default());
    drop(reader);
    writer.send(Bytes::from_static(b"nobody")).expect_err("the reader is gone");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_way_out() {
    let server = start();
    let error = bind(&[address(server.port)], OPTION).expect_err("the port is in use");
    assert_eq!(
        chain(error),
        format!(
            "listening on `127.0.0.1:{}` (end what listens there or choose another port with `--web.listen-address`): \
             Address already in use (os error 98)",
            server.port
        )
    );
    let error = bind(&[ListenAddress { host: "192.0.2.1".to_owned(), port: 0 }], OPTION).expect_err("not ours");
    assert_eq!(
        chain(error),
        "listening on `192.0.2.1:0` (choose an address of this machine with `--web.listen-address`): \
         Cannot assign requested address (os error 99)"
    );
}

#[tokio::test]
async fn an_empty_host_is_every_address() {
    let listeners = bind(&[ListenAddress { host: String::new(), port: 0 }], OPTION).expect("bound");
    let port = listeners[0].local_addr().expect("bound").port();
    TcpStream::connect(("127.0.0.1", port)).expect("reachable by IPv4");
}
