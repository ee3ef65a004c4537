//! The collector writes down what it is sent, through crashes and standstills. Needs one, which `make setup-test` builds, and
//! no root: `cargo test -p doubleslit-testbed --test collector -- --ignored`.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use doubleslit_testbed::{
    collector::{Authority, Collector, Kind, LogRecord, Point, Scope, Tls},
    http::Connection,
    shell,
};
use http::uri::PathAndQuery;
use prost::Message;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime;
use tonic::{client::Grpc, transport::Endpoint};
use tonic_prost::ProstCodec;

#[test]
#[ignore = "needs a collector"]
fn log_records_come_back_as_sent() {
    let mut collector = Collector::start();
    post(&collector, "/v1/logs", &logs("first"));
    let expected = LogRecord {
        resource: BTreeMap::from([("service.name".to_owned(), json!("testbed"))]),
        scope: Scope { name: "here".to_owned(), version: "1".to_owned(), attributes: BTreeMap::new() },
        event_name: "first".to_owned(),
        time: 1_700_000_000_000_000_001,
        observed_time: 1_700_000_000_000_000_002,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: json!({"list": [5, 5.5, true]}),
        attributes: BTreeMap::from([
            ("empty".to_owned(), Value::Null),
            ("pid".to_owned(), json!(7)),
            ("raw".to_owned(), json!({"bytesValue": "AAE="})),
        ]),
    };
    assert_eq!(collector.await_logs(1), [expected]);
    assert_eq!(collector.received().metrics, []);
}

#[test]
#[ignore = "needs a collector"]
fn log_records_come_by_grpc() {
    #[derive(Clone, PartialEq, Message)]
    struct Request {
        #[prost(message, repeated, tag = "1")]
        resource_logs: Vec<ResourceLogs>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct ResourceLogs {
        #[prost(message, repeated, tag = "2")]
        scope_logs: Vec<ScopeLogs>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct ScopeLogs {
        #[prost(message, repeated, tag = "2")]
        log_records: Vec<Record>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Record {
        #[prost(fixed64, tag = "1")]
        time_unix_nano: u64,
        #[prost(string, tag = "12")]
        event_name: String,
    }

    let mut collector = Collector::start();
    let record = Record { time_unix_nano: 5, event_name: "binary".to_owned() };
    let scope_logs = vec![ScopeLogs { log_records: vec![record] }];
    let request = Request { resource_logs: vec![ResourceLogs { scope_logs }] };
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(async {
        let channel = Endpoint::try_from(format!("http://{}", collector.grpc())).expect("an address is an endpoint");
        let mut client = Grpc::new(channel.connect().await.expect("the collector listens"));
        client.ready().await.expect("the collector listens");
        let path = PathAndQuery::from_static("/opentelemetry.proto.collector.logs.v1.LogsService/Export");
        let codec = ProstCodec::<Request, ()>::default();
        client.unary(tonic::Request::new(request), path, codec).await.expect("the collector answers");
    });
    let expected = LogRecord { event_name: "binary".to_owned(), time: 5, ..LogRecord::default() };
    assert_eq!(collector.await_logs(1), [expected]);
}

#[test]
#[ignore = "needs a collector"]
fn metrics_come_back_as_sent() {
    let mut collector = Collector::start();
    let sum = json!({"name": "a", "unit": "{x}", "description": "As.", "sum": {
        "aggregationTemporality": 2, "isMonotonic": true,
        "dataPoints": [{"startTimeUnixNano": "1", "timeUnixNano": "2", "asInt": "18", "attributes": [
            {"key": "kind", "value": {"stringValue": "b"}},
        ]}],
    }});
    let gauge = json!({"name": "c", "gauge": {"dataPoints": [{"timeUnixNano": "3", "asDouble": 1.5}]}});
    post(&collector, "/v1/metrics", &json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [sum, gauge]}]}]}));

    let received = collector.await_received("two points", |received| received.metrics.len() == 2);
    let gauge = Point {
        resource: BTreeMap::new(),
        scope: Scope::default(),
        name: "c".to_owned(),
        unit: String::new(),
        description: String::new(),
        kind: Kind::Gauge,
        attributes: BTreeMap::new(),
        start_time: 0,
        time: 3,
        value: json!(1.5),
    };
    let sum = Point {
        name: "a".to_owned(),
        unit: "{x}".to_owned(),
        description: "As.".to_owned(),
        kind: Kind::Sum { monotonic: true, cumulative: true },
        attributes: BTreeMap::from([("kind".to_owned(), json!("b"))]),
        start_time: 1,
        time: 2,
        value: json!(18),
        ..gauge.clone()
    };
    assert_eq!(received.metrics, [sum, gauge]);
    assert_eq!(received.logs, []);
}

#[test]
#[ignore = "needs a collector"]
fn what_was_acknowledged_survives_crashes() {
    let mut collector = Collector::start();
    for name in ["first", "second", "third"] {
        post(&collector, "/v1/logs", &logs(name));
        collector.kill();
        for address in [collector.grpc(), collector.http()] {
            Connection::open(address).expect_err("nobody listens");
        }
        collector.start_again();
    }
    assert_eq!(names(collector.await_logs(3)), ["first", "second", "third"]);
}

#[test]
#[ignore = "needs a collector"]
fn what_is_sent_during_a_standstill_comes_after_it() {
    let mut collector = Collector::start();
    collector.stall();
    let mut connection = TcpStream::connect(collector.http()).expect("the kernel accepts");
    connection.write_all(request(&logs("late")).as_bytes()).expect("the kernel takes it");
    assert_eq!(collector.received().logs, []);
    collector.go_on();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("the collector answers");
    assert!(answer.contains("200 OK"), "{answer}");
    assert_eq!(names(collector.await_logs(1)), ["late"]);
}

#[test]
#[ignore = "needs a collector"]
fn it_ends_with_its_owner_even_at_a_standstill() {
    let collector = Collector::start();
    let process = Path::new("/proc").join(collector.pid().to_string());
    collector.stall();
    assert!(process.exists());
    drop(collector);
    assert!(!process.exists());
}

#[test]
#[ignore = "needs a collector"]
fn tls_needs_a_certificate_of_the_client_if_so_told() {
    let directory = TempDir::new().expect("a directory can be made");
    let authority = Authority::new(directory.path());
    let (certificate, key) = authority.certify("server");
    let (client_certificate, client_key) = authority.certify("client");
    let message = directory.path().join("request");
    fs::write(&message, request(&logs("secret"))).expect("a file can be written");
    let ask = |collector: &Collector, options: &str| {
        let command = format!(
            "openssl s_client -quiet -verify_return_error -CAfile {} -connect {} {options} <{} 2>&1 || true",
            authority.certificate().display(),
            collector.http(),
            message.display()
        );
        shell::run("sh", ["-c", &command])
    };
    let as_client = format!("-cert {} -key {}", client_certificate.display(), client_key.display());

    let mut tls = Tls { certificate, key, client_authority: None };
    let mut open_to_all = Collector::start_with_tls(tls.clone());
    assert!(ask(&open_to_all, "").contains("200 OK"));
    assert_eq!(names(open_to_all.await_logs(1)), ["secret"]);

    tls.client_authority = Some(authority.certificate());
    let mut open_to_clients = Collector::start_with_tls(tls);
    assert!(!ask(&open_to_clients, "").contains("200 OK"));
    assert_eq!(open_to_clients.received().logs, []);
    assert!(ask(&open_to_clients, &as_client).contains("200 OK"));
    assert_eq!(names(open_to_clients.await_logs(1)), ["secret"]);
}

/// A log record with something of everything, in the JSON form of OTLP.
fn logs(event_name: &str) -> Value {
    let list = json!([{"intValue": "5"}, {"doubleValue": 5.5}, {"boolValue": true}]);
    let record = json!({
        "eventName": event_name,
        "timeUnixNano": "1700000000000000001",
        "observedTimeUnixNano": "1700000000000000002",
        "severityNumber": 9,
        "severityText": "INFO",
        "body": {"kvlistValue": {"values": [{"key": "list", "value": {"arrayValue": {"values": list}}}]}},
        "attributes": [
            {"key": "pid", "value": {"intValue": "7"}},
            {"key": "raw", "value": {"bytesValue": "AAE="}},
            {"key": "empty", "value": {}},
        ],
    });
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "testbed"}}]});
    let of_scope = json!({"scope": {"name": "here", "version": "1"}, "logRecords": [record]});
    json!({"resourceLogs": [{"resource": resource, "scopeLogs": [of_scope]}]})
}

fn names(logs: &[LogRecord]) -> Vec<&str> {
    logs.iter().map(|record| record.event_name.as_str()).collect()
}

fn post(collector: &Collector, path: &str, message: &Value) {
    let mut connection = Connection::open(collector.http()).expect("the collector listens");
    let headers = [("Content-Type", "application/json")];
    let response = connection.post(path, &headers, message.to_string().as_bytes()).expect("the collector answers");
    assert_eq!(response.status, 200, "{}", response.text());
}

/// A request that sends log records and nothing else: the answer ends with the connection.
fn request(logs: &Value) -> String {
    let body = logs.to_string();
    format!("POST /v1/logs HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
