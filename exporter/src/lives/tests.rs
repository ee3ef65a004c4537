use std::{
    collections::BTreeMap,
    path::Path,
    sync::Mutex,
    time::{Instant, UNIX_EPOCH},
};

use doubleslit_common::kind::Kind;

use super::*;
use crate::{
    identity::{
        Runtime, Scope,
        directory::Cgroup,
        facts::Facts,
        failures,
        resolve::Resolver,
        roots::Roots,
        source::{Source, Trouble, Wanted},
    },
    namespaces,
    others::Own,
};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A runtime that tells what a test has it know.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Option<Facts>>>);

impl Source for Told {
    fn name(&self) -> failures::Source {
        failures::Source::DockerApi
    }

    fn tell(&self, _wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        Ok(self.0.lock().expect("no test panics with it").clone())
    }
}

impl Told {
    fn knows(&self, end: Option<End>) {
        let facts = Facts { container: "web".to_owned(), end, ..Facts::default() };
        *self.0.lock().expect("no test panics with it") = Some(facts);
    }
}

struct Machine {
    runtime: Told,
    resolver: Resolver,
    hierarchy: tempfile::TempDir,
    lives: Lives,
    changes: Changes,
    oom_kills: bool,
}

impl Machine {
    fn new() -> Self {
        let (runtime, hierarchy) = (Told::default(), tempfile::tempdir().expect("a directory"));
        let roots = Roots { proc: "/proc".into(), ..Roots::below(Path::new("/nonexistent"), hierarchy.path().into()) };
        let resolver = Resolver::new(roots, vec![Box::new(runtime.clone())], Arc::default());
        let listeners = BTreeMap::from([(Kind::ContainerStart, 1), (Kind::ContainerStop, 2)]);
        let (lives, changes) = channel(listeners, at(100), Box::new(Own::at(Path::new("/"))));
        Self { runtime, resolver, hierarchy, lives, changes, oom_kills: false }
    }

    /// Has a process in the container's cgroup.
    fn run(&self, pid: u32) {
        let directory = self.hierarchy.path().join("docker").join(ID);
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(directory.join("cgroup.procs"), format!("{pid}\n")).expect("a file");
    }

    fn look(&mut self, now: Instant) {
        let oom_kills = self.oom_kills;
        self.lives.look(&self.resolver, |_| oom_kills, now);
    }

    fn told(&mut self) -> Vec<(u64, SystemTime, u32, What)> {
        let changes = std::iter::from_fn(|| self.changes.try_recv().ok());
        changes.map(|change| (change.cgroup.0, change.time, change.listeners, change.what)).collect()
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn cgroup(id: u64, started: Option<SystemTime>) -> Cgroup {
    let identity = Identity { scope: Scope::Container, runtime: Some(Runtime::Docker), ..Identity::default() };
    Cgroup {
        id: CgroupId(id),
        path: format!("/docker/{ID}").into(),
        identity: Arc::new(identity),
        own: true,
        started,
        removed_at: None,
        users: None,
    }
}

#[test]
fn tells_each_start_and_stop_once() {
    let mut machine = Machine::new();
    let (now, web) = (Instant::now(), cgroup(7, Some(at(200))));
    machine.runtime.knows(None);
    machine.lives.began(&web, now);
    machine.look(now);
    assert_eq!(machine.told(), []);
    assert!(machine.lives.is_waiting());
    // This process is no container's first: it is taken only when nothing better comes.
    let pid = std::process::id();
    machine.run(pid);
    machine.look(now);
    assert_eq!(machine.told(), []);
    machine.look(now + Duration::from_secs(1));
    let namespaces = namespaces::of(Path::new("/proc"), pid).expect("this process is there");
    assert_eq!(machine.told(), [(7, at(200), 1, What::Started(Some(Init { pid, namespaces })))]);
    assert!(!machine.lives.is_waiting());

    machine.lives.ended(&web, at(203), now);
    machine.look(now);
    assert_eq!(machine.told(), []);
    machine.runtime.knows(Some(End { exit_code: 3, oom_killed: false }));
    machine.look(now);
    let stop = Stop { exit_code: Some(3), reason: Reason::Exited, lifetime: Some(Duration::from_secs(3)) };
    assert_eq!(machine.told(), [(7, at(203), 2, What::Stopped(stop))]);
    assert!(!machine.lives.is_waiting());
    machine.look(now + Duration::from_secs(60));
    assert_eq!(machine.told(), []);
    for kind in [Kind::ContainerStart, Kind::ContainerStop] {
        assert_eq!([Fate::Generated, Fate::Lost].map(|fate| machine.lives.numbers().of(kind, fate)), [1, 0]);
    }
}

#[test]
fn a_stop_comes_after_its_start_however_soon() {
    let mut machine = Machine::new();
    let (now, web) = (Instant::now(), cgroup(7, Some(at(200))));
    machine.lives.began(&web, now);
    machine.lives.ended(&web, at(200), now);
    machine.look(now);
    let stop = Stop { exit_code: None, reason: Reason::Removed, lifetime: Some(Duration::ZERO) };
    assert_eq!(machine.told(), [(7, at(200), 1, What::Started(None)), (7, at(200), 2, What::Stopped(stop))]);
}

#[test]
fn what_was_there_before_does_not_start() {
    let mut machine = Machine::new();
    let now = Instant::now();
    let nested = Cgroup { own: false, ..cgroup(8, Some(at(200))) };
    for cgroup in [cgroup(7, Some(at(99))), cgroup(9, None), nested.clone()] {
        machine.lives.began(&cgroup, now);
    }
    machine.lives.ended(&nested, at(300), now);
    assert!(!machine.lives.is_waiting());
    machine.lives.ended(&cgroup(7, Some(at(99))), at(300), now);
    machine.look(now);
    let stop = Stop { exit_code: None, reason: Reason::Removed, lifetime: Some(Duration::from_secs(201)) };
    assert_eq!(machine.told(), [(7, at(300), 2, What::Stopped(stop))]);
}

#[test]
fn waits_for_a_runtime_only_so_long() {
    let mut machine = Machine::new();
    let now = Instant::now();
    machine.runtime.knows(None);
    machine.lives.ended(&cgroup(7, None), at(200), now);
    machine.look(now + Duration::from_millis(1999));
    assert_eq!(machine.told(), []);
    machine.oom_kills = true;
    machine.look(now + Duration::from_secs(2));
    let stop = Stop { exit_code: None, reason: Reason::Oom, lifetime: None };
    assert_eq!(machine.told(), [(7, at(200), 2, What::Stopped(stop))]);

    machine.lives.ended(&cgroup(8, None), at(200), now);
    machine.lives.finish(&machine.resolver, |_| false);
    let stop = Stop { reason: Reason::Removed, ..stop };
    assert_eq!(machine.told(), [(8, at(200), 2, What::Stopped(stop))]);
}

#[test]
fn nobody_who_listens_makes_it_wait() {
    let mut machine = Machine::new();
    let now = Instant::now();
    for id in 0..5000 {
        machine.lives.ended(&cgroup(id, None), at(200), now);
    }
    machine.look(now);
    let numbers = machine.lives.numbers();
    let [generated, lost] = [Fate::Generated, Fate::Lost].map(|fate| numbers.of(Kind::ContainerStop, fate));
    assert_eq!((generated, lost + machine.told().len() as u64), (5000, 5000));
    assert_eq!(lost, 5000 - 4096);
}

#[test]
fn reasons() {
    let end = |exit_code, oom_killed| Some(End { exit_code, oom_killed });
    for (end, has_oom_kill, expected) in [
        (end(0, false), false, Reason::Exited),
        (end(3, false), true, Reason::Exited),
        (end(128, false), false, Reason::Exited),
        (end(129, false), false, Reason::Killed),
        (end(137, false), false, Reason::Killed),
        (end(137, false), true, Reason::Oom),
        (end(143, false), true, Reason::Killed),
        (end(137, true), false, Reason::Oom),
        (end(192, false), false, Reason::Killed),
        (end(193, false), false, Reason::Exited),
        (end(255, false), false, Reason::Exited),
        (None, false, Reason::Removed),
        (None, true, Reason::Oom),
    ] {
        assert_eq!(Reason::of(end, has_oom_kill), expected, "{end:?} {has_oom_kill}");
    }
}
