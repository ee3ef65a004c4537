//! Samples of several traces over the same events.

use super::Tracing;
use crate::harness::docker;

#[test]
#[ignore = "needs root and BTF"]
fn each_has_its_rate() {
    let mut web = docker().load("trace-rates", &[]);
    let tracing = Tracing::start("");
    for rate in [2, 4] {
        let name = format!("rate{rate}");
        tracing.run(&name, &format!(r#"{{"containers": ["trace-rates"], "events": ["exec"], "sampleRate": {rate}}}"#));
        tracing.until_about(&name, &web);
    }
    let (mut two, mut four) = (tracing.subscribe("rate2"), tracing.subscribe("rate4"));
    web.load.run("exec 8");
    for (name, subscription, rate) in [("rate2", &mut two, 2), ("rate4", &mut four, 4)] {
        let status = tracing.until(name, "eight executions", |status| status.hits >= 8);
        assert_eq!((status.hits, status.events), (8, 8 / u64::from(rate)), "{name}");
        let events = tracing.events(name, subscription, 8 / rate as usize);
        assert!(events.iter().all(|event| event.weight == rate), "{name}");
    }
}
