use doubleslit_testbed::{
    collector::{Authority, Collector, Tls},
    shell, wait,
};
use tempfile::TempDir;

use crate::harness::setup;

#[test]
#[ignore = "needs root and BTF"]
fn the_port_of_the_other_protocol_is_told() {
    let directory = TempDir::new().expect("a directory can be made");
    let authority = Authority::new(directory.path());
    let (certificate, key) = authority.certify("server");
    let tls = Tls { certificate, key, client_authority: None };
    for (scheme, collector) in [("http", Collector::start()), ("https", Collector::start_with_tls(tls))] {
        for (protocol, address, other) in
            [("grpc", collector.http(), "http/protobuf"), ("http/protobuf", collector.grpc(), "grpc")]
        {
            let exporter = setup()
                .config(&format!(
                    "otlp: {{endpoint: '{scheme}://{address}', protocol: {protocol}, certificate: '{}'}}",
                    authority.certificate().display()
                ))
                .start();
            shell::run("true", [""; 0]);
            let hint = format!("set `protocol: {other}`");
            let line = wait::until("the way out is told", || {
                exporter.log().lines().find(|line| line.contains(&hint)).map(str::to_owned)
            });
            println!("{scheme}: {line}");
        }
    }
}
