use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::super::{
    client::{Client, Signal},
    retry::Answer,
};
use crate::config::otlp::{Connection, Endpoint, Protocol, Tls};

async fn nothing(_: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

/// What is said of three requests to a server that speaks another protocol alone, and of one when nobody listens any more.
async fn complaints(protocol: Protocol) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let authority = listener.local_addr().expect("it is bound").to_string().parse().expect("an address");
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = TokioIo::new(stream);
            // An error is what is expected.
            drop(match protocol {
                Protocol::Grpc => http1::Builder::new().serve_connection(stream, service_fn(nothing)).await,
                Protocol::Http => {
                    let server = http2::Builder::new(TokioExecutor::new());
                    server.serve_connection(stream, service_fn(nothing)).await
                }
            });
        }
    });
    let connection = Connection {
        endpoint: Endpoint { is_secure: false, authority, path: "/v1/logs".to_owned() },
        protocol,
        headers: Vec::new(),
        timeout: Duration::from_secs(30),
        gzip: false,
        tls: Tls::default(),
    };
    let mut client = Client::new(&connection, Signal::Logs).expect("no certificates are needed");
    let mut complaints = Vec::new();
    let mut server = Some(server);
    for attempt in 0..4 {
        if let Some(server) = server.take_if(|_| attempt == 3) {
            server.abort();
            assert!(server.await.is_err(), "it was aborted");
        }
        match client.send(Bytes::from_static(b"the request")).await {
            Answer::Later { pause: None, reason } => complaints.push(reason),
            answer => panic!("{answer:?}"),
        }
    }
    complaints
}

#[tokio::test]
async fn grpc_to_a_port_of_http() {
    let complaints = complaints(Protocol::Grpc).await;
    let (last, others) = complaints.split_last().expect("four");
    for reason in others {
        assert!(
            reason.contains("does not answer as gRPC does") && reason.contains("`protocol: http/protobuf`"),
            "{reason}"
        );
    }
    assert!(!last.contains("endpoint"), "{last}");
}

#[tokio::test]
async fn http_to_a_port_of_grpc() {
    let complaints = complaints(Protocol::Http).await;
    let (last, others) = complaints.split_last().expect("four");
    for reason in others {
        assert!(reason.contains("does not answer in HTTP/1.1") && reason.contains("`protocol: grpc`"), "{reason}");
    }
    assert!(!last.contains("endpoint"), "{last}");
}
