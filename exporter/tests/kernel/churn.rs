//! Many containers of a real engine that come and go.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use doubleslit_testbed::{docker::IMAGE, exporter::Exporter, rootfs, scrape::Scrape};

use crate::harness::{assert_conserved, docker, setup};

/// How many containers of a thousand are started at a time.
const AT_A_TIME: usize = 8;

/// How long the engine's client may take for one of them, and how many may take longer. Seen once, with Docker 20.10 on a busy
/// machine: a client that never ended.
const PATIENCE: Duration = Duration::from_secs(60);
const LATE: usize = 5;

/// Containers that are there at a time while they come and go at random, and for how long they do.
const POPULATION: usize = 100;
const CHURN: Duration = Duration::from_secs(60);

fn name(number: u64) -> String {
    format!("short-{number}")
}

/// Failed children, of which runc has none.
fn failures(number: u64) -> u64 {
    number % 10
}

#[test]
#[ignore = "needs root and BTF"]
fn a_thousand_docker_containers() {
    const CONTAINERS: u64 = 1000;
    let mut exporter = setup().config("retention: {grace: 1h}").start();
    // Containers of another engine have no names here.
    let unresolved = exporter.scrape().sum("doubleslit_identity_unresolved", &[]);
    let (next, longest, start) = (AtomicU64::new(0), AtomicU64::new(0), Instant::now());
    let late = Mutex::new(BTreeSet::new());
    let change = exporter.during(|| {
        thread::scope(|scope| {
            for _ in 0..AT_A_TIME {
                scope.spawn(|| {
                    while let number = next.fetch_add(1, Ordering::Relaxed)
                        && number < CONTAINERS
                    {
                        let start = Instant::now();
                        let (name, failures) = (name(number), failures(number).to_string());
                        let mut client = docker().command();
                        client.args(["run", "--rm", "--network=none", "--name", &name, IMAGE]);
                        client.args([rootfs::LOAD, "exit", "1", &failures]);
                        if docker().printed_within(PATIENCE, &mut client).is_none() {
                            println!(
                                "{name} is late: {}",
                                docker().cli(["ps", "--all", "--filter", "status!=running"])
                            );
                            docker().discard(&name);
                            late.lock().expect("nobody panics with it").insert(number);
                        }
                        longest.fetch_max(start.elapsed().as_millis() as u64, Ordering::Relaxed);
                    }
                });
            }
        });
    });
    println!("{CONTAINERS} containers took {:?}, the longest {longest:?} ms", start.elapsed());
    let late = late.into_inner().expect("nobody panicked with it");
    assert!(late.len() <= LATE, "{late:?}");

    let on_time: BTreeSet<_> = (0..CONTAINERS).filter(|number| !late.contains(number)).collect();
    for number in on_time.iter().copied() {
        let labels = [("container", name(number))];
        let labels = labels.each_ref().map(|(label, name)| (*label, name.as_str()));
        let failed = [&labels[..], &[("outcome", "failure")]].concat();
        let count = |family: &str, labels: &[(&str, &str)]| change.sum(family, labels);
        assert_eq!(count("doubleslit_process_exits_total", &failed), failures(number) as f64, "{labels:?}");
        for family in ["doubleslit_container_starts_total", "doubleslit_container_stops_total"] {
            assert_eq!(count(family, &labels), 1.0, "{family} {labels:?}");
        }
    }
    let after = exporter.scrape();
    let late: BTreeSet<_> = late.into_iter().map(name).collect();
    let ids = named(&after, "short-").into_values().filter(|name| !late.contains(name)).count();
    assert_eq!(ids, on_time.len(), "each has an id and a name of its own");
    assert_eq!(after.sum("doubleslit_identity_unresolved", &[]), unresolved);
    assert_conserved(&after);
}

/// The containers whose names begin so, by id.
fn named(scrape: &Scrape, prefix: &str) -> BTreeMap<String, String> {
    let labels = |name| scrape.matching(name, &[]).map(|(series, _)| series.labels.clone());
    let infos =
        labels("doubleslit_container_info").map(|labels| (labels["container_id"].clone(), labels["container"].clone()));
    infos.filter(|(_, name)| name.starts_with(prefix)).collect()
}

/// A repeatable source of chance (xorshift64*, Vigna 2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn the_engine_lists_the_same_containers() {
    let mut exporter = setup().config("retention: {grace: 0s}").start();
    let (over, checks) = (AtomicBool::new(false), AtomicU64::new(0));
    // Whoever has it for reading changes something; whoever has it for writing sees a moment at which nothing changes.
    let changing = RwLock::new(());
    let present = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for worker in 0..4 {
            let (over, changing, present) = (&over, &changing, &present);
            scope.spawn(move || {
                let mut chance = Chance(worker + 1);
                let mut number = 0;
                while !over.load(Ordering::Relaxed) {
                    let _changing = changing.read();
                    let full = present.lock().expect("no worker panics with it").len();
                    // The fuller it is, the more likely one goes.
                    if chance.below(POPULATION) < full {
                        let one = take_one(&mut present.lock().expect("no worker panics with it"), &mut chance);
                        one.iter().for_each(|one| docker().remove(one));
                    } else {
                        let name = format!("churn-{worker}-{number}");
                        number += 1;
                        let id = docker().run(&["--name", &name], &[rootfs::LOAD, "sleep", "3600000"]);
                        present.lock().expect("no worker panics with it").insert(id);
                    }
                }
            });
        }
        let start = Instant::now();
        while start.elapsed() < CHURN {
            {
                let _still = changing.write();
                assert_same(&mut exporter);
            }
            checks.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(250));
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("{checks:?} comparisons, {} containers at the end", present.lock().expect("nobody panics with it").len());
    assert_same(&mut exporter);
    present.into_inner().expect("nobody panicked with it").iter().for_each(|one| docker().remove(one));
    assert_conserved(&exporter.scrape());
}

/// Takes one of them out, if there is one.
fn take_one(present: &mut BTreeSet<String>, chance: &mut Chance) -> Option<String> {
    let one = present.iter().nth(chance.below(present.len().max(1))).cloned()?;
    present.take(&one)
}

/// Compares with the engine's own client.
fn assert_same(exporter: &mut Exporter) {
    let listed = docker().cli(["ps", "--no-trunc", "--quiet", "--filter", "name=churn-"]);
    let listed: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    let seen: BTreeSet<String> = named(&exporter.scrape(), "churn-").into_keys().collect();
    assert_eq!(seen, listed);
}
