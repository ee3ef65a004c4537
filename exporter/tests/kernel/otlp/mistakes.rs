use doubleslit_testbed::{collector::Collector, shell, wait};

use crate::harness::setup;

#[test]
#[ignore = "needs root and BTF"]
fn the_port_of_the_other_protocol_is_told() {
    let collector = Collector::start();
    for (protocol, address, other) in
        [("grpc", collector.http(), "http/protobuf"), ("http/protobuf", collector.grpc(), "grpc")]
    {
        let exporter = setup().config(&format!("otlp: {{endpoint: 'http://{address}', protocol: {protocol}}}")).start();
        let hint = format!("set `protocol: {other}`");
        shell::run("true", [""; 0]);
        wait::until("the way out is told", || exporter.log().contains(&hint).then_some(()));
        println!("{}", exporter.log().lines().find(|line| line.contains(&hint)).unwrap_or_default());
    }
}
