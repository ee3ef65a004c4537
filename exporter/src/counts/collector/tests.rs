use std::{
    collections::VecDeque,
    os::fd::BorrowedFd,
    path::Path,
    sync::{Mutex, MutexGuard},
};

use doubleslit_common::{
    key::{CountKey, EdgeKey},
    kind::Kind,
};

use rustix::event::{EventfdFlags, eventfd};

use super::*;
use crate::{
    counts::{fake::FakeSource, limits::Limits, snapshot::PerKind, source::LastEdge, tally::Settings},
    filter::Owners,
    identity::{
        ignore::Ignore,
        labels::{IdentityLabel, RowLabels},
        registry::Registry,
        resolve::Resolver,
        roots::Roots,
    },
    lives::{self, What},
    probes::syscall::Calls,
};

/// A cgroup, what happened to it, and its path.
type Event = (u64, Change, String);

/// A machine whose maps, notices and cgroups a test writes.
struct Machine {
    maps: Arc<Mutex<FakeSource>>,
    notices: Arc<Mutex<VecDeque<Event>>>,
    bell: Arc<OwnedFd>,
    hierarchy: tempfile::TempDir,
    walk_interval: Option<Duration>,
}

struct Maps(Arc<Mutex<FakeSource>>);

impl CountSource for Maps {
    fn read(&mut self, reading: &mut Reading) -> io::Result<()> {
        lock(&self.0).read(reading)
    }

    fn remove_count(&mut self, key: CountKey, is_counted: bool) -> io::Result<Option<u64>> {
        lock(&self.0).remove_count(key, is_counted)
    }

    fn remove_edge(&mut self, key: EdgeKey, target_stays: bool) -> io::Result<Option<LastEdge>> {
        lock(&self.0).remove_edge(key, target_stays)
    }
}

struct Told {
    notices: Arc<Mutex<VecDeque<Event>>>,
    bell: Arc<OwnedFd>,
}

impl AsFd for Told {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

impl NoticeSource for Told {
    fn drain(&mut self, take: &mut dyn FnMut(NoticeView<'_>)) -> u64 {
        let _ = rustix::io::read(&*self.bell, &mut [0u8; 8]);
        for (cgroup, change, path) in lock(&self.notices).drain(..) {
            take(NoticeView { cgroup, boot_ns: 0, change, path: Some(path.as_bytes()) });
        }
        0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds the lock")
}

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

impl Machine {
    fn new() -> Self {
        Self {
            maps: Arc::default(),
            notices: Arc::default(),
            bell: Arc::new(eventfd(0, EventfdFlags::NONBLOCK).expect("an eventfd")),
            hierarchy: tempfile::tempdir().expect("a directory"),
            walk_interval: None,
        }
    }

    /// A collector that reads for every question and never by itself.
    fn collector(&self, grace: Duration) -> Collector {
        self.collector_for(grace, None)
    }

    fn collector_for(&self, grace: Duration, lives: Option<Lives>) -> Collector {
        self.collector_and_registry(grace, lives).0
    }

    fn collector_and_registry(&self, grace: Duration, lives: Option<Lives>) -> (Collector, Arc<Registry>) {
        let hierarchy = self.hierarchy.path().to_owned();
        let roots = Roots { docker: "/nonexistent".into(), ..Roots::below(Path::new("/"), hierarchy.clone()) };
        let directory = Directory::new(Resolver::new(roots, Vec::new(), Arc::default()));
        let registry = directory.registry();
        let parts = Parts {
            source: Maps(Arc::clone(&self.maps)),
            notices: Told { notices: Arc::clone(&self.notices), bell: Arc::clone(&self.bell) },
            hierarchy,
            directory,
            tally: Tally::new(Settings {
                labels: RowLabels { identity: vec![IdentityLabel::ContainerId], ..RowLabels::default() },
                grace,
                limits: Limits::default(),
                ignore: Ignore::default(),
                calls: Calls::default(),
                calls_of: Owners::default(),
                begun: SystemTime::now(),
                settled: PerKind::default(),
            }),
            lives,
            interval: Duration::from_secs(3600),
            walk_interval: self.walk_interval,
            bell: Arc::new(eventfd(0, EventfdFlags::NONBLOCK).expect("an eventfd")),
        };
        (Collector::start(parts, Duration::ZERO).expect("a thread"), registry)
    }

    fn tell(&self, cgroup: u64, change: Change) {
        self.tell_of(cgroup, change, &format!("/docker/{ID}"));
    }

    fn tell_of(&self, cgroup: u64, change: Change, path: &str) {
        lock(&self.notices).push_back((cgroup, change, path.to_owned()));
        wake(&self.bell);
    }

    fn execute(&self, cgroup: u64, times: u64) {
        lock(&self.maps).count(cgroup, Kind::Exec, 0, times);
    }
}

async fn fresh(collector: &Collector) -> Arc<Snapshot> {
    collector.fresh().await.expect("a snapshot")
}

fn execs(snapshot: &Snapshot, container_id: &str) -> Option<u64> {
    let subject = snapshot.subjects.iter().find(|subject| subject.labels[0] == container_id)?;
    Some(subject.counts.values().sum())
}

#[tokio::test]
async fn follows_a_container_from_start_to_end() {
    let machine = Machine::new();
    let collector = machine.collector(Duration::from_secs(300));
    machine.tell(70, Change::Created);
    assert_eq!(execs(&*fresh(&collector).await, ID), Some(0), "it has a row before its first event");
    machine.execute(70, 3);
    assert_eq!(execs(&*fresh(&collector).await, ID), Some(3));

    machine.tell(70, Change::Removed);
    machine.execute(70, 1);
    assert_eq!(execs(&*fresh(&collector).await, ID), Some(4));
    assert_eq!(lock(&machine.maps).counts.len(), 1, "a socket may still belong to it");
    machine.tell(70, Change::Released);
    // Told of before or during this read; settled with the next.
    fresh(&collector).await;
    let snapshot = fresh(&collector).await;
    assert_eq!(execs(&snapshot, ID), Some(4), "its row stays for the grace time");
    assert!(!snapshot.containers[0].running);
    assert_eq!(lock(&machine.maps).counts.len(), 0);
}

#[tokio::test]
async fn what_went_before_it_was_known_is_told_with_its_end() {
    let machine = Machine::new();
    machine.execute(70, 3);
    for kind in [Kind::ContainerStart, Kind::ContainerStop] {
        lock(&machine.maps).count(70, kind, 0, 1);
    }
    machine.tell(70, Change::Removed);
    let collector = machine.collector(Duration::from_secs(300));
    let snapshot = fresh(&collector).await;
    assert_eq!(execs(&snapshot, ID), Some(3));
    let [row] = &snapshot.lifecycles[..] else { panic!("one row: {:?}", snapshot.lifecycles) };
    assert_eq!((row.starts, row.stops), (1, 1));
    let maps = lock(&machine.maps);
    let settled = [Kind::Exec, Kind::ContainerStart, Kind::ContainerStop].map(|kind| maps.settled.get(kind));
    assert_eq!((settled, maps.counts.len()), ([0, 1, 1], 1), "whoever comes after need not know it");
}

#[tokio::test]
async fn an_end_settles_what_is_gone() {
    let machine = Machine::new();
    let collector = machine.collector(Duration::from_secs(300));
    // After the walk at the start, which would miss them.
    fresh(&collector).await;
    machine.tell(70, Change::Created);
    machine.tell_of(71, Change::Created, "/stays");
    machine.execute(70, 3);
    machine.execute(71, 5);
    fresh(&collector).await;
    machine.tell(70, Change::Removed);
    // Nothing has been read since, and it may still count.
    lock(&machine.maps).count(70, Kind::Fork, 0, 1);
    drop(collector);
    let maps = lock(&machine.maps);
    assert_eq!([Kind::Exec, Kind::Fork].map(|kind| maps.settled.get(kind)), [3, 1]);
    assert_eq!(maps.counts.len(), 1, "what is still there goes on");
}

#[tokio::test]
async fn says_whose_the_last_events_were() {
    let machine = Machine::new();
    let (collector, registry) = machine.collector_and_registry(Duration::ZERO, None);
    for change in [Change::Created, Change::Removed, Change::Released] {
        machine.tell(70, change);
        fresh(&collector).await;
    }
    let gone = fresh(&collector).await;
    assert_eq!((execs(&gone, ID), lock(&machine.maps).counts.len()), (None, 0), "its counts are settled");
    // A listener may read the ring only now.
    let known = registry.get(CgroupId(70)).expect("it lingers");
    assert!(known.is_removed && known.identity.container_id == ID, "{known:?}");
}

#[tokio::test]
async fn tells_of_each_start_and_stop_once() {
    let machine = Machine::new();
    let listeners = [Kind::ContainerStart, Kind::ContainerStop].map(|kind| (kind, 1)).into();
    let (lives, mut changes) =
        lives::channel(listeners, SystemTime::UNIX_EPOCH, Box::new(crate::others::Own::at(Path::new("/"))));
    let collector = machine.collector_for(Duration::from_secs(300), Some(lives));
    machine.tell(70, Change::Created);
    // A notice that comes twice is of one container, and what is in its cgroup is none.
    machine.tell(70, Change::Created);
    machine.tell_of(71, Change::Created, &format!("/docker/{ID}/inner"));
    fresh(&collector).await;
    for cgroup in [71, 70, 70, 72] {
        machine.tell(cgroup, Change::Removed);
    }
    fresh(&collector).await;
    drop(collector);
    let told = std::iter::from_fn(|| changes.try_recv().ok());
    let told: Vec<_> = told.map(|change| (change.cgroup.0, matches!(change.what, What::Started(_)))).collect();
    // Nobody heard of the last one's start.
    assert_eq!(told, [(70, true), (70, false), (72, false)]);
}

#[tokio::test]
async fn without_grace_rows_go_at_once() {
    let machine = Machine::new();
    let collector = machine.collector(Duration::ZERO);
    machine.tell(70, Change::Created);
    machine.execute(70, 3);
    fresh(&collector).await;
    machine.tell(70, Change::Removed);
    fresh(&collector).await;
    let snapshot = fresh(&collector).await;
    assert_eq!(execs(&snapshot, ID), None);
    assert_eq!((snapshot.counted.get(Kind::Exec), snapshot.retired.get(Kind::Exec)), (3, 3));
}

#[tokio::test]
async fn finds_by_walking_what_no_notice_told() {
    use std::os::unix::fs::MetadataExt;

    let machine = Machine::new();
    let path = machine.hierarchy.path().join("docker").join(ID);
    std::fs::create_dir_all(&path).expect("a directory");
    let collector = machine.collector(Duration::from_secs(300));
    assert_eq!(execs(&*fresh(&collector).await, ID), Some(0), "it was there before");

    // A second one, unnoticed: its first event leads to it.
    let other = ID.replace('0', "f");
    let path = machine.hierarchy.path().join("docker").join(&other);
    std::fs::create_dir_all(&path).expect("a directory");
    machine.execute(path.metadata().expect("there").ino(), 2);
    assert_eq!(execs(&*fresh(&collector).await, &other), Some(2));
}

#[tokio::test]
async fn without_notices_walks_find_the_end_too() {
    let machine = Machine { walk_interval: Some(Duration::ZERO), ..Machine::new() };
    let path = machine.hierarchy.path().join("docker").join(ID);
    std::fs::create_dir_all(&path).expect("a directory");
    let collector = machine.collector(Duration::ZERO);
    assert_eq!(execs(&*fresh(&collector).await, ID), Some(0));
    std::fs::remove_dir(&path).expect("empty");
    // Missing twice, then without grace.
    fresh(&collector).await;
    fresh(&collector).await;
    assert_eq!(execs(&*fresh(&collector).await, ID), None);
}

#[tokio::test]
async fn ends_with_its_owner() {
    let machine = Machine::new();
    let collector = machine.collector(Duration::ZERO);
    drop(collector);
    assert_eq!(Arc::strong_count(&machine.maps), 1, "the thread is gone");
}

#[tokio::test]
async fn what_happened_before_other_terms_is_counted_as_before() {
    let machine = Machine::new();
    let (collector, registry) = machine.collector_and_registry(Duration::from_secs(300), None);
    machine.tell(70, Change::Created);
    fresh(&collector).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    registry.watch(Watching(Arc::clone(&told)));
    machine.execute(70, 3);
    let labels = RowLabels { identity: vec![IdentityLabel::Runtime], ..RowLabels::default() };
    let terms = Terms { labels, grace: Duration::from_secs(300), ..Terms::default() };
    let (interval, max_age) = (Duration::from_secs(3600), Duration::from_secs(3600));
    assert!(collector.revise(Revision { terms, interval, max_age }).await);
    // Without a further read: such a snapshot is fresh now.
    let snapshot = collector.latest().expect("a snapshot");
    assert_eq!(snapshot.labels.names().collect::<Vec<_>>(), ["runtime"]);
    assert_eq!((execs(&snapshot, "docker"), snapshot.retired.get(Kind::Exec)), (Some(0), 3));
    assert!(lock(&told).contains(&CgroupId(70)), "who watches is told again");
    machine.execute(70, 2);
    assert_eq!(fresh(&collector).await.counted.get(Kind::Exec), 3, "it is not read again so soon");
}

#[derive(Debug)]
struct Watching(Arc<Mutex<Vec<CgroupId>>>);

impl crate::identity::registry::Watcher for Watching {
    fn changed(&self, id: CgroupId, _: Option<&crate::identity::registry::Known>) {
        lock(&self.0).push(id);
    }
}
