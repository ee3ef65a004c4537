use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::super::{
    client::{Client, Signal},
    delivery::{Delivered, Delivery},
    messages::{PartialSuccess, Response},
};
use crate::config::otlp::{Connection, Endpoint, Protocol, Tls};

/// Answers requests, each with the next answer. Returns the requests.
async fn collector(listener: TcpListener, answers: Vec<Vec<u8>>) -> Vec<String> {
    let mut requests = Vec::new();
    let (mut stream, _) = listener.accept().await.expect("a connection");
    for answer in answers {
        let mut request = Vec::new();
        while !request.ends_with(b"the request") {
            assert_ne!(stream.read_buf(&mut request).await.expect("it can be read"), 0, "the request is cut");
        }
        requests.push(String::from_utf8(request).expect("text"));
        stream.write_all(&answer).await.expect("it can be written");
    }
    requests
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Delivers one request to a collector with these answers: what became of it, the requests, and which attempts succeeded.
async fn deliver(answers: Vec<Vec<u8>>, give_up: Option<Duration>) -> (Delivered, Vec<String>, Vec<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let authority = listener.local_addr().expect("it is bound").to_string().parse().expect("an address");
    let connection = Connection {
        endpoint: Endpoint { is_secure: false, authority, path: "/here".to_owned() },
        protocol: Protocol::Http,
        headers: vec![(HeaderName::from_static("a"), HeaderValue::from_static("b"))],
        timeout: Duration::from_secs(30),
        gzip: false,
        tls: Tls::default(),
    };
    let collector = tokio::spawn(collector(listener, answers));
    let client = Client::new(&connection, Signal::Logs).expect("no certificates are needed");
    let attempts = Mutex::new(Vec::new());
    let count = |succeeded, _| attempts.lock().expect("nobody panics").push(succeeded);
    let delivered = Delivery::new(client, "logs", give_up).deliver(&Bytes::from_static(b"the request"), count).await;
    (delivered, collector.await.expect("nobody panics"), attempts.into_inner().expect("nobody panics"))
}

#[tokio::test]
async fn is_tried_again_until_it_is_taken_and_never_after() {
    let partial_success = Some(PartialSuccess { rejected: 2, message: "too old".to_owned() });
    let body = Response { partial_success }.encode_to_vec();
    let answers = vec![
        answer("503 Busy\r\nretry-after: 0", b""),
        answer("429 Slow\r\nretry-after: 1", b""),
        answer("503 Busy\r\ndate: Sat, 01 Jan 2000 00:00:00 GMT\r\nretry-after: Sat, 01 Jan 2000 00:00:01 GMT", b""),
        answer("200 OK", &body),
    ];
    let begun = Instant::now();
    let (delivered, requests, attempts) = deliver(answers, None).await;
    assert!(begun.elapsed() >= Duration::from_secs(2), "the collector asked for two pauses");
    assert_eq!(delivered, Delivered::Taken { rejected: 2 });
    assert_eq!(attempts, [false, false, false, true]);
    for request in requests {
        assert!(request.starts_with("POST /here HTTP/1.1\r\n"), "{request}");
        for header in ["content-type: application/x-protobuf\r\n", "a: b\r\n"] {
            assert!(request.contains(header), "{request}");
        }
    }
}

#[tokio::test]
async fn is_given_up_when_refused_or_too_late() {
    let (delivered, _, attempts) = deliver(vec![answer("400 Bad", b"")], None).await;
    assert_eq!((delivered, attempts), (Delivered::GivenUp, vec![false]));
    let late = vec![answer("503 Busy\r\nretry-after: 60", b"")];
    let (delivered, _, attempts) = deliver(late, Some(Duration::from_secs(30))).await;
    assert_eq!((delivered, attempts), (Delivered::GivenUp, vec![false]));
}
