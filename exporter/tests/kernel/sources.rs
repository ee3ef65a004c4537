//! Runtimes that are killed and come back while the exporter knows names from their sockets alone.

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use doubleslit_testbed::{
    containerd::{Containerd, PodSpec},
    docker::{Docker, Hierarchy, LoadContainer},
    exporter::{Exporter, Setup},
    session_weight::SessionWeight,
    wait,
};

use crate::harness::{self, BINARY, INFO, assert_conserved, executions, rows};

const SLEEP: [&str; 2] = ["/bin/sleep", "1000000"];
const EXECUTIONS: u64 = 30_000;

fn pod<'a>(name: &'a str, uid: &'a str) -> PodSpec<'a> {
    PodSpec { name, namespace: "shop", uid, labels: &[] }
}

/// Scrapes again and again until it is told to stop. Returns how long the longest answer took, and how many there were.
fn scrapes(exporter: &Mutex<Exporter>, over: &AtomicBool) -> (Duration, usize) {
    let (mut longest, mut count) = (Duration::ZERO, 0);
    while !over.load(Ordering::Relaxed) {
        let mut exporter = exporter.lock().expect("no test panics with it");
        let begun = Instant::now();
        drop(exporter.scrape());
        longest = longest.max(begun.elapsed());
        count += 1;
    }
    (longest, count)
}

/// Says that it is over when it is dropped, also by a panic.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn await_up(exporter: &Mutex<Exporter>, up: f64) {
    wait::until("the exporter sees whether the runtimes answer", || {
        let scrape = exporter.lock().expect("no test panics with it").scrape();
        let is = |source| scrape.value("doubleslit_source_up", &[("source", source)]) == Some(up);
        ["docker_api", "cri", "containerd"].into_iter().all(is).then_some(())
    });
}

fn await_name(exporter: &Mutex<Exporter>, id: &str, name: &str) {
    wait::until("the container has its name", || {
        let scrape = exporter.lock().expect("no test panics with it").scrape();
        let labels = [("container_id", id), ("container", name)];
        scrape.value(INFO, &labels)
    });
}

/// Does something while a container executes as fast as one CPU can, and checks that all of it is counted. Beside a load on all
/// CPUs, what a scrape takes would be up to the scheduler.
fn under_load(exporter: &Mutex<Exporter>, busy: &mut LoadContainer<'_>, act: impl FnOnce()) {
    let before = exporter.lock().expect("no test panics with it").scrape();
    let storm = format!("exec {EXECUTIONS}");
    busy.load.ask(&storm);
    act();
    busy.load.answer(&storm);
    let change = exporter.lock().expect("no test panics with it").scrape().since(&before);
    assert_eq!(rows(&change, busy).only(&["process_"]), executions(EXECUTIONS));
}

#[test]
#[ignore = "needs root and BTF"]
fn killed_and_started_again_under_load() {
    let (docker, containerd) = (Docker::start(Hierarchy::Host), Containerd::start());
    let steady = docker.load("steady", &[]);
    // An engine that comes back from a crash ends the containers it had. This one is another's.
    let mut busy = harness::docker().load("busy", &[]);
    let web = containerd.pod(&pod("web-0", "d0b1e511-0000-4000-8000-000000000005"));
    let main = web.container("main", &[], &SLEEP);
    // As README tells those whose containers take up all CPUs.
    let weight = SessionWeight::tenfold();
    let exporter = Setup::new(Path::new(BINARY))
        .config("poll: {max_age: 0s}")
        .config("identity:")
        .config("  docker_root: /nonexistent")
        .config(&format!("  sockets: {{docker: [\"{}\"],", docker.socket().display()))
        .config(&format!("    cri: [\"{0}\"], containerd: [\"{0}\"]}}", containerd.socket().display()))
        .start();
    let exporter = Mutex::new(exporter);
    await_up(&exporter, 1.0);
    await_name(&exporter, &steady.id, "steady");
    await_name(&exporter, &main, "main");

    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let scraping = scope.spawn(|| scrapes(&exporter, &over));
        let end = End(&over);
        under_load(&exporter, &mut busy, || {
            docker.kill();
            containerd.kill();
            await_up(&exporter, 0.0);
        });
        under_load(&exporter, &mut busy, || {
            docker.start_again();
            containerd.start_again();
            await_up(&exporter, 1.0);
        });
        let again = docker.run(&["--name=again"], &SLEEP);
        await_name(&exporter, &again, "again");
        let second = containerd.pod(&pod("web-1", "d0b1e511-0000-4000-8000-000000000006"));
        let main = second.container("second", &[], &SLEEP);
        await_name(&exporter, &main, "second");
        drop(end);
        let (longest, count) = scraping.join().expect("scraping does not panic");
        println!("{count} scrapes, the longest took {longest:?}");
    });
    assert_conserved(&exporter.into_inner().expect("no test panicked with it").scrape());
    drop(weight);
}
