use doubleslit_testbed::{
    collector::{Authority, Collector, Tls},
    wait,
};
use tempfile::TempDir;

use super::{Counted, PROTOCOLS, executions_of};
use crate::harness::{docker, setup};

#[test]
#[ignore = "needs root and BTF"]
fn events_come_by_tls_with_and_without_a_certificate_of_the_client() {
    let directory = TempDir::new().expect("a directory can be made");
    let authority = Authority::new(directory.path());
    let (certificate, key) = authority.certify("server");
    let (client_certificate, client_key) = authority.certify("client");
    let trust = format!("certificate: '{}'", authority.certificate().display());
    let show = format!(
        "{trust}, client_certificate: '{}', client_key: '{}'",
        client_certificate.display(),
        client_key.display()
    );
    let mut container = docker().load("tls", &[]);
    let open = Tls { certificate, key, client_authority: None };
    let closed = Tls { client_authority: Some(authority.certificate()), ..open.clone() };
    for (tls, settings, is_welcome) in [(&open, &trust, true), (&closed, &show, true), (&closed, &trust, false)] {
        for protocol in PROTOCOLS {
            let mut collector = Collector::start_with_tls(tls.clone());
            let endpoint = if protocol == "grpc" { collector.grpc() } else { collector.http() };
            let mut exporter = setup()
                .config(&format!(
                    "otlp: {{endpoint: 'https://{endpoint}', protocol: {protocol}, {settings}, shutdown: 0s, \
                     logs: {{linger: 10ms}}}}"
                ))
                .start();
            container.load.run("exec 20");
            if is_welcome {
                collector.await_received("the executions", |received| executions_of(received, &container.id) == 20);
                let is_acknowledged = |counted: Counted| (counted.exported > 0.0).then_some(());
                wait::until("they are acknowledged", || is_acknowledged(Counted::now(&mut exporter)));
            } else {
                wait::until("the collector refuses", || {
                    exporter.log().contains("the collector does not take it yet").then_some(())
                });
                assert_eq!(collector.received().logs, []);
                assert_eq!(Counted::now(&mut exporter).exported, 0.0);
            }
        }
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn a_collector_that_nobody_trusts_gets_nothing() {
    let directory = TempDir::new().expect("a directory can be made");
    let (certificate, key) = Authority::new(directory.path()).certify("server");
    let mut collector = Collector::start_with_tls(Tls { certificate, key, client_authority: None });
    let other = TempDir::new().expect("a directory can be made");
    let other = Authority::new(other.path());
    let mut exporter = setup()
        .config(&format!(
            "otlp: {{endpoint: 'https://{}', certificate: '{}', logs: {{linger: 10ms}}, shutdown: 0s}}",
            collector.http(),
            other.certificate().display()
        ))
        .start();
    let mut container = docker().load("tls", &[]);
    container.load.run("exec 1");
    wait::until("the exporter refuses", || exporter.log().contains("invalid peer certificate").then_some(()));
    assert_eq!(collector.received().logs, []);
    assert_eq!(Counted::now(&mut exporter).exported, 0.0);
}
