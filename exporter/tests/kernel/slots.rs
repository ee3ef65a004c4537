//! Keys that count a lot are given slots: nothing is lost on the way in, beside others, or on the way out.

use doubleslit_common::{key::CountKey, kind::Kind, slot};
use doubleslit_testbed::{cgroup::Cgroup, exporter::Exporter, scrape::Scrape, static_binary};

use crate::harness::{assert_conserved, executions, setup};

fn position(cgroup: &Cgroup) -> u32 {
    slot::position(CountKey::new(cgroup.id(), Kind::Exec, 0).expect("small"))
}

/// Two cgroups whose executions want the same slot, and their containers' ids.
fn rivals() -> [(Cgroup, String); 2] {
    let mut others: Vec<(Cgroup, String)> = Vec::new();
    for number in 0x2000.. {
        let one = Cgroup::like_docker(number);
        if let Some(at) = others.iter().position(|(other, _)| position(other) == position(&one.0)) {
            return [others.swap_remove(at), one];
        }
        others.push(one);
    }
    unreachable!("there are more cgroups than slots")
}

fn slots(scrape: &Scrape) -> f64 {
    scrape.sum("doubleslit_bpf_map_entries", &[("map", "slots")])
}

fn assert_executions(exporter: &mut Exporter, cgroups: &[(Cgroup, String)]) {
    let run = |cgroup: &Cgroup| cgroup.run(static_binary::load(), &["exec", "500"]);
    let change = exporter.during(|| cgroups.iter().for_each(|(cgroup, _)| run(cgroup)));
    // The load itself is executed too.
    for (_, id) in cgroups {
        assert_eq!(change.rows(&[("container_id", id)]).only(&["process_"]), executions(501), "{id}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn two_cgroups_that_want_one_slot() {
    let [one, other] = rivals();
    let mut exporter = setup().start();
    let before = slots(&exporter.scrape());
    let both = [one, other];
    for _ in 0..3 {
        assert_executions(&mut exporter, &both);
    }
    let with_both = slots(&exporter.scrape());
    assert!(with_both >= before + 3.0, "{before} slots were taken, now {with_both}: one of the two has some");

    // Whoever of the two has it, the other one does not notice the end of the first.
    let [one, other] = both;
    drop(one);
    for _ in 0..3 {
        assert_executions(&mut exporter, std::slice::from_ref(&other));
    }
    assert_conserved(&exporter.scrape());
}
