//! Requests that try to get in by being strange.

use doubleslit_testbed::password::{HASH, RIGHT};

use super::target::{Place, get, raw, refused, scrape};
use crate::harness::setup;

fn line(answer: &str) -> &str {
    answer.lines().next().unwrap_or("nothing")
}

#[test]
#[ignore = "needs root and BTF"]
fn no_spelling_of_a_path_gets_past_the_password() {
    let place = Place::new();
    let exporter = place.serve(&format!("basic_auth_users:\n  prometheus: {HASH}\n"), "");
    let head = "Host: x\r\nConnection: close\r\n\r\n";
    for target in [
        "GET /metrics HTTP/1.1",
        "GET //metrics HTTP/1.1",
        "GET /metrics/ HTTP/1.1",
        "GET /%6detrics HTTP/1.1",
        "GET /%2e%2e/metrics HTTP/1.1",
        "GET /metrics/../metrics HTTP/1.1",
        "GET /-/healthy/%2e%2e/%2e%2e/metrics HTTP/1.1",
        "GET /%2fmetrics HTTP/1.1",
        "GET /metrics%00 HTTP/1.1",
        "GET /metrics;x HTTP/1.1",
        "GET http://127.0.0.1/metrics HTTP/1.1",
        "GET http://prometheus:abc@127.0.0.1/metrics HTTP/1.1",
        "HEAD /metrics HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "TRACE /metrics HTTP/1.1",
        "CONNECT 127.0.0.1:22 HTTP/1.1",
        "METRICS /metrics HTTP/1.1",
        "GET /metrics HTTP/1.0",
    ] {
        let answer = raw(exporter.address, format!("{target}\r\n{head}").as_bytes());
        assert!(line(&answer).contains(" 401 "), "{target}: {answer}");
        assert!(!answer.contains("doubleslit_"), "{target}: {answer}");
    }
    for request in [
        "GET /metrics\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nX\0: y\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /met rics HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03",
    ] {
        let answer = raw(exporter.address, request.as_bytes());
        assert!(line(&answer).contains(" 400 ") || answer.is_empty(), "{request:?}: {answer}");
    }
    assert!(refused(&scrape(exporter.address, None, &[RIGHT]), "malformed") >= 6.0);
}

#[test]
#[ignore = "needs root and BTF"]
fn one_request_is_never_two() {
    let place = Place::new();
    let exporter = place.serve(&format!("basic_auth_users:\n  prometheus: {HASH}\n"), "");
    let (name, value) = RIGHT;
    let inner = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\n\r\n");
    for framing in [
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 0\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        &format!("Content-Length: {}\r\n", inner.len()),
    ] {
        let request = format!("POST /nothing HTTP/1.1\r\nHost: x\r\n{framing}\r\n0\r\n\r\n{inner}");
        let answer = raw(exporter.address, request.as_bytes());
        assert!(!answer.contains("doubleslit_"), "{framing}: what is in a body was answered: {answer}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn every_answer_has_headers_that_keep_browsers_safe() {
    let place = Place::new();
    let headers = "http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=31536000\n    X-Frame-Options: \
                   sameorigin\n    Content-Security-Policy: default-src 'self'\n";
    let exporter = place.serve(headers, "");
    for (path, policy) in [
        ("/metrics", "default-src 'self'"),
        ("/nothing", "default-src 'self'"),
        ("/-/ready", "default-src 'self'"),
        // The page knows better what it needs.
        ("/", "default-src 'none'; script-src 'self'; "),
        ("/-/page/main.js", "default-src 'none'; script-src 'self'; "),
    ] {
        let answer = get(exporter.address, None, path, &[]).expect("an answer");
        for (name, expected) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "sameorigin"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(answer.header(name), Some(expected), "{path}");
        }
        assert!(answer.header("content-security-policy").is_some_and(|found| found.starts_with(policy)), "{path}");
        assert_eq!(answer.header("server"), None, "{path}");
    }
    let answer = get(exporter.address, None, "/metrics", &[]).expect("an answer");
    assert!(answer.headers.iter().filter(|(name, _)| name == "x-frame-options").count() == 1);
}

#[test]
#[ignore = "needs root and BTF"]
fn another_site_reads_nothing_here() {
    let exporter = setup().config("web: {allowed_hosts: [proxy.example]}").start();
    let ask = |headers: &str, path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        line(&raw(exporter.address, request.as_bytes())).split(' ').nth(1).map(str::to_owned)
    };
    for (headers, expected) in [
        ("Host: 127.0.0.1\r\n", "200"),
        ("Host: localhost:1\r\n", "200"),
        ("Host: proxy.example\r\n", "200"),
        ("Host: rebound.example\r\n", "403"),
        ("Host: rebound.example\r\nX-Forwarded-Host: localhost\r\n", "403"),
        ("Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", "403"),
        ("Host: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n", "200"),
    ] {
        for path in ["/metrics", "/-/page/state", "/"] {
            assert_eq!(ask(headers, path).as_deref(), Some(expected), "{headers} {path}");
        }
    }
    assert_eq!(refused(&scrape(exporter.address, None, &[]), "foreign_site"), 9.0);
}
