//! Samples: how many events are sent, and how many each of them stands for.

use std::path::Path;

use doubleslit_common::event::{Header, Stage};
use doubleslit_testbed::{cgroup::Cgroup, sys, wait};
use rustix::time::{ClockId, clock_gettime};

use super::ring::{Ring, USER, execute_on_one_cpu};

const SETPRIV: &str = "/usr/bin/setpriv";

fn weights<'a>(headers: impl IntoIterator<Item = &'a Header>) -> u32 {
    headers.into_iter().map(|header| header.weight).sum()
}

#[test]
#[ignore = "needs root and BTF"]
fn one_in_seven() {
    let select = format!("uid={USER}");
    let mut ring = Ring::of_executions(&[&select], &[], &["event=exec,one_in=7"]);
    execute_on_one_cpu(100);
    let headers = ring.headers();
    assert_eq!(headers.len(), 14);
    assert!(headers.iter().all(|header| header.weight == 7));
    assert_eq!((ring.count(Stage::Sent), ring.count(Stage::SampledOut)), (14, 86));
    assert_eq!(ring.count(Stage::Generated), ring.count(Stage::Filtered) + 100);
}

#[test]
#[ignore = "needs root and BTF"]
fn a_noisy_container_leaves_others_their_share() {
    let (noisy, quiet) = (Cgroup::like_docker(0x5a1).0, Cgroup::like_docker(0x5a2).0);
    let mut ring = Ring::of_executions(&[&format!("uid={USER}")], &[], &["per_second=5"]);
    let noise = noisy.spawn(
        Path::new(SETPRIV),
        &as_user(&["/bin/sh", "-c", "i=0; while [ $i -lt 499 ]; do /bin/true; i=$((i+1)); done"]),
    );
    (0..4).for_each(|_| quiet.run(Path::new(SETPRIV), &as_user(&["/bin/true"])));
    assert_eq!(sys::wait(noise).expect("it is a child"), 0);
    // The first event of another second stands for those before it.
    let last = second();
    wait::until("another second", || (second() > last).then_some(()));
    noisy.run(Path::new(SETPRIV), &as_user(&["/bin/true"]));

    let headers = ring.headers();
    let of = |cgroup: &Cgroup| headers.iter().filter(|header| header.cgroup == cgroup.id()).collect::<Vec<_>>();
    let (of_noisy, of_quiet) = (of(&noisy), of(&quiet));
    assert_eq!((of_quiet.len(), weights(of_quiet)), (4, 4), "all of the quiet one's");
    assert_eq!(weights(of_noisy.clone()), 501, "each of the noisy one's is in a weight");
    assert_eq!(ring.count(Stage::SampledOut), 501 - of_noisy.len() as u64);
    assert_eq!(ring.count(Stage::Sent), headers.len() as u64);
    assert_eq!(ring.count(Stage::Generated), ring.count(Stage::Filtered) + 505);
}

/// What executes a program as [`USER`].
fn as_user<'a>(program: &[&'a str]) -> Vec<&'a str> {
    [&["--reuid=3000000001"], program].concat()
}

fn second() -> i64 {
    clock_gettime(ClockId::Boottime).tv_sec
}
