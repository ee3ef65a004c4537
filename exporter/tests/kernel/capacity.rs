//! Maps that are too small: what finds no place is in a row `other`, and a counter says so.

use doubleslit_testbed::{cgroup::Cgroup, scrape::Scrape, static_binary};

use crate::harness::{assert_balanced, setup};

/// Containers, each of which needs several entries.
const CONTAINERS: u64 = 100;

/// The executions that containers made by hand did, and those in the row `other`.
fn executions(change: &Scrape) -> (f64, f64) {
    let own = (0..CONTAINERS).map(|number| Cgroup::docker_id(0x4000 + number));
    let of = |id: String| change.sum("doubleslit_process_execs_total", &[("container_id", &id)]);
    let other = change.sum("doubleslit_process_execs_total", &[("container", "other")]);
    (own.map(of).sum(), other)
}

#[test]
#[ignore = "needs root and BTF"]
fn a_full_map_of_counts() {
    let mut exporter = setup().config("maps: {counts: 64, edges: 16}").start();
    let before = exporter.scrape();
    for number in 0..CONTAINERS {
        let (cgroup, _) = Cgroup::like_docker(0x4000 + number);
        cgroup.run(static_binary::load(), &["exec", "9"]);
        if number == 0 {
            // The first one has its place.
            assert_eq!(executions(&exporter.scrape().since(&before)), (10.0, 0.0));
        }
    }
    let after = exporter.scrape();
    assert_balanced(&after);
    let change = after.since(&before);
    let (own, other) = executions(&change);
    println!("{own} executions in rows of their own, {other} in the row `other`");
    assert!(other > 0.0);
    // The host may have added some to `other`.
    assert!(own + other >= (CONTAINERS * 10) as f64, "{own} + {other}");
    let folded = [("metric", "doubleslit_process_execs"), ("reason", "full")];
    assert_eq!(change.sum("doubleslit_counts_folded_total", &folded), other);
    let errors = change.sum("doubleslit_bpf_map_update_errors_total", &[("map", "counts"), ("reason", "full")]);
    assert!(errors >= other, "{errors} errors, {other} executions");
}
