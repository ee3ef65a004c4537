use std::{
    collections::VecDeque,
    mem,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Mutex,
};

use doubleslit_common::{event::Header, kind::Kind, probes::exec::Exec};
use rustix::event::{EventfdFlags, eventfd};

use super::*;
use crate::{
    events::event::Details,
    identity::{
        Identity,
        user_names::{UidMap, UserNames, Users},
    },
    lives::{Change, Reason, Stop, What},
};

/// A ring that a test fills.
struct Ring {
    records: Arc<Mutex<VecDeque<Vec<u8>>>>,
    descriptor: OwnedFd,
}

impl RecordSource for Ring {
    fn drain(&mut self, limit: usize, take: &mut dyn FnMut(&[u8])) -> usize {
        let mut records = self.records.lock().expect("no test panics with it");
        let count = limit.min(records.len());
        records.drain(..count).for_each(|record| take(&record));
        count
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

struct Machine {
    reader: Reader<Ring>,
    records: Arc<Mutex<VecDeque<Vec<u8>>>>,
    waiting: Waiting,
}

impl Machine {
    fn new() -> Self {
        let records = Arc::<Mutex<VecDeque<Vec<u8>>>>::default();
        let descriptor = eventfd(0, EventfdFlags::CLOEXEC).expect("an eventfd");
        let (_, changes) = tokio::sync::mpsc::channel(1);
        let reader = Reader {
            source: Ring { records: Arc::clone(&records), descriptor },
            changes,
            registry: Arc::default(),
            hub: Arc::default(),
            received: Arc::default(),
            tracepoints: Table::default(),
            signatures: Arc::default(),
            redaction: Redaction::default(),
            wanted: Wanted::default(),
        };
        Self { reader, records, waiting: Waiting::new() }
    }

    /// An execution in a cgroup, told apart by its number of arguments.
    fn happens(&self, cgroup: u64, number: u32) {
        let header = Header { cgroup, weight: 1, listeners: 1, kind: Kind::Exec as u32, ..Header::default() };
        let record = Exec { header, arguments_count: number, ..Exec::default() };
        self.records.lock().expect("no test panics with it").push_back(bytes(record));
    }

    fn know(&self, cgroup: u64, name: &str, is_settled: bool) {
        let identity = Arc::new(Identity { container: name.to_owned(), ..Identity::default() });
        self.reader
            .registry
            .set(CgroupId(cgroup), Known { path: "/x".into(), identity, is_settled, is_removed: false, users: None });
    }

    fn read(&mut self, patience: Duration) {
        let patience = Patience { for_name: patience, for_owner: patience };
        self.reader.read_batch(&mut self.waiting, patience, &mut 0);
    }
}

#[expect(unsafe_code, reason = "what the kernel writes are these bytes")]
fn bytes(record: Exec) -> Vec<u8> {
    // SAFETY: `wire!` proves that a record has no padding, so that each of its bytes is there.
    unsafe { mem::transmute::<Exec, [u8; mem::size_of::<Exec>()]>(record) }.to_vec()
}

/// The numbers and the owners' names of events that were handed out before the hub was closed.
async fn told(subscription: &mut crate::events::hub::Subscription) -> Vec<(u32, String)> {
    let mut events = Vec::new();
    while let Some((batch, _)) = subscription.next().await {
        for event in &batch.events {
            let Details::Exec(exec) = &event.details else { panic!("{event:?}") };
            events.push((exec.count, event.identity.container.clone()));
        }
    }
    events
}

fn named(events: &[(u32, &str)]) -> Vec<(u32, String)> {
    events.iter().map(|(number, name)| (*number, (*name).to_owned())).collect()
}

#[tokio::test]
async fn waits_for_a_name_and_keeps_the_order_of_an_owner() {
    let mut machine = Machine::new();
    let mut subscription = machine.reader.hub.subscribe("test");
    machine.know(1, "known", true);
    machine.know(3, "", false);
    for (cgroup, number) in [(1, 10), (2, 20), (3, 30), (1, 11), (2, 21)] {
        machine.happens(cgroup, number);
    }
    machine.read(Duration::from_secs(3600));
    machine.know(2, "new", true);
    machine.happens(2, 22);
    machine.happens(3, 31);
    machine.happens(1, 12);
    machine.read(Duration::from_secs(3600));
    assert_eq!(machine.waiting.len(), 2);
    machine.know(3, "slow", true);
    machine.read(Duration::from_secs(3600));
    machine.reader.hub.close();
    let expected = [
        (10, "known"),
        (11, "known"),
        (20, "new"),
        (21, "new"),
        (22, "new"),
        (12, "known"),
        (30, "slow"),
        (31, "slow"),
    ];
    assert_eq!(told(&mut subscription).await, named(&expected));
    assert_eq!(machine.reader.received.of(Kind::Exec), 8);
}

#[tokio::test]
async fn waits_for_the_names_of_users() {
    let mut machine = Machine::new();
    let mut subscription = machine.reader.hub.subscribe("test");
    let users = Arc::new(Users::awaited());
    let known = Known {
        path: "/x".into(),
        identity: Arc::default(),
        is_settled: true,
        is_removed: false,
        users: Some(Arc::clone(&users)),
    };
    machine.reader.registry.set(CgroupId(1), known);
    machine.happens(1, 1);
    machine.read(Duration::from_secs(3600));
    assert_eq!(machine.waiting.len(), 1);
    let names = UserNames::parse(b"ann:x:0:0::/:", &UidMap::identity());
    users.set(names.clone());
    machine.happens(1, 2);
    machine.read(Duration::from_secs(3600));
    machine.reader.hub.close();
    let (batch, _) = subscription.next().await.expect("both events");
    let found: Vec<_> = batch.events.iter().map(|event| event.users.as_deref()).collect();
    assert_eq!(found, [Some(&names), Some(&names)]);
}

#[tokio::test]
async fn no_event_waits_for_ever_nor_do_too_many() {
    let mut machine = Machine::new();
    let mut subscription = machine.reader.hub.subscribe("test");
    machine.happens(2, 1);
    machine.read(Duration::from_secs(3600));
    assert_eq!(machine.waiting.len(), 1);
    machine.read(Duration::ZERO);
    assert_eq!(machine.waiting.len(), 0);
    // One of which something is known waits for its name only.
    machine.know(3, "", false);
    (2..=3).for_each(|cgroup| machine.happens(cgroup, 1));
    let patience = Patience { for_name: Duration::ZERO, for_owner: Duration::from_secs(3600) };
    machine.reader.read_batch(&mut machine.waiting, patience, &mut 0);
    assert_eq!(machine.waiting.len(), 1);
    machine.read(Duration::ZERO);
    let count = WAITING as u32 + 5;
    (0..count).for_each(|number| machine.happens(2, number));
    while !machine.records.lock().expect("no test panics with it").is_empty() {
        machine.read(Duration::from_secs(3600));
    }
    assert_eq!(machine.waiting.len(), WAITING);
    machine.reader.hub.close();
    assert_eq!(told(&mut subscription).await.len(), 3 + 5);
}

#[tokio::test]
async fn reads_what_is_left_when_it_is_stopped() {
    let mut machine = Machine::new();
    let (sender, changes) = tokio::sync::mpsc::channel(1);
    machine.reader.changes = changes;
    let (mut subscription, received) = (machine.reader.hub.subscribe("test"), Arc::clone(&machine.reader.received));
    let stop = Stop { exit_code: Some(0), reason: Reason::Exited, lifetime: None };
    let change = Change {
        time: SystemTime::UNIX_EPOCH,
        cgroup: CgroupId(2),
        path: Arc::default(),
        identity: Arc::default(),
        listeners: 1,
        what: What::Stopped(stop),
    };
    sender.try_send(change).expect("there is room");
    (0..3000).for_each(|number| machine.happens(2, number));
    machine.records.lock().expect("no test panics with it").extend([vec![0; 5], bytes(Exec::default())[..60].to_vec()]);
    let (stop, stopped) = oneshot::channel();
    drop(stop);
    machine.reader.run(stopped).await.expect("it can be waited for");
    let (mut execs, mut stops) = (0, 0);
    while let Some((batch, missed)) = subscription.next().await {
        assert_eq!(missed, 0);
        stops += batch.events.iter().filter(|event| event.kind() == Kind::ContainerStop).count();
        execs += batch.events.iter().filter(|event| event.kind() == Kind::Exec).count();
    }
    assert_eq!((execs, stops), (3000, 1));
    assert_eq!((received.of(Kind::Exec), received.of(Kind::ContainerStop)), (3000, 1));
    assert_eq!((received.malformed(Kind::Exec), received.unknown()), (1, 1));
}
