mod exchange;
mod lives;
mod property;
mod spec;
mod threads;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use doubleslit_common::kind::Kind;

use super::{
    entry::Now,
    error::CreateError,
    filters::Switch,
    plan::{self, Plan},
    spec::Spec,
    state::{Kernel, State},
    status::Trace,
    wanted::{Catalogue, Key, Wanted},
};
use crate::{
    events::{event::Event, fake, hub::Subscription},
    identity::{CgroupId, Identity, Scope, ignore::Ignore, registry::Known},
    tracepoints::name::{Name, Selector},
};

/// What the kernel would have been told, and what it would have lost. Clones are the same.
#[derive(Clone, Debug, Default)]
struct Recorded(Arc<Mutex<BTreeMap<Key, u64>>>);

impl Recorded {
    /// What is on: of each cgroup, or of anybody, the kinds.
    fn on(&self) -> BTreeSet<(Option<u64>, Kind)> {
        self.wanted().into_iter().map(|(cgroup, wanted)| (cgroup, wanted.kind)).collect()
    }

    /// The same, more closely.
    fn wanted(&self) -> BTreeSet<(Option<u64>, Wanted)> {
        let keys = self.0.lock().expect("no panic");
        keys.keys().map(|key| (key.cgroup.map(|cgroup| cgroup.0), key.wanted)).collect()
    }

    /// Loses events.
    fn lose(&self, cgroup: u64, kind: Kind, count: u64) {
        for (key, lost) in self.0.lock().expect("no panic").iter_mut() {
            if key.cgroup.is_none_or(|id| id.0 == cgroup) && key.wanted.kind == kind {
                *lost += count;
            }
        }
    }
}

impl Switch<Key> for Recorded {
    fn on(&mut self, key: Key) -> Result<(), String> {
        assert_eq!(self.0.lock().expect("no panic").insert(key, 0), None, "{key:?} is on already");
        Ok(())
    }

    fn off(&mut self, key: Key) {
        assert!(self.0.lock().expect("no panic").remove(&key).is_some(), "{key:?} is off already");
    }
}

impl Kernel for Recorded {
    fn lost(&self, key: Key) -> u64 {
        self.0.lock().expect("no panic").get(&key).copied().unwrap_or_default()
    }
}

/// The number of the tracepoint of forks.
const FORK: u32 = 300;

/// A kernel with one tracepoint.
#[derive(Debug)]
struct Forks;

impl Catalogue for Forks {
    fn tracepoints(&self, selector: &Selector) -> Result<Vec<u32>, String> {
        let name = Name { category: "sched".to_owned(), name: "sched_process_fork".to_owned() };
        selector.among(&[name]).map(|_| vec![FORK]).map_err(|error| error.to_string())
    }
}

/// Traces without threads, and a clock that goes when it is told to.
struct Bench {
    state: State,
    kernel: Recorded,
    now: Now,
}

impl Bench {
    fn new() -> Self {
        let kernel = Recorded::default();
        Self { state: State::new(Box::new(kernel.clone()), Ignore::default()), kernel, now: Now::read() }
    }

    /// Creates a trace and has it run. The spec is JSON.
    fn run(&mut self, name: &str, spec: &str) {
        let (id, _) = self.create(name, spec).expect("a trace");
        assert!(self.state.begin(id, self.now));
    }

    /// Creates a trace. The kernel has one tracepoint.
    fn create(&mut self, name: &str, spec: &str) -> Result<(u64, Trace), CreateError> {
        let spec = read(spec);
        plan::name(name)?;
        let plan = Plan::of(&spec, &Forks)?;
        self.state.create(name, spec, plan, self.now)
    }

    fn delete(&mut self, name: &str) -> Trace {
        self.state.delete(name, self.now).expect("there is one").1
    }

    fn get(&self, name: &str) -> Trace {
        self.state.get(name, self.now).expect("there is one")
    }

    /// A cgroup of a container with a name, and with these labels.
    fn start(&mut self, cgroup: u64, name: &str, labels: &[(&str, &str)]) {
        self.state.changed(CgroupId(cgroup), Some(&known(name, labels, false)));
    }

    /// The cgroup is removed. Events of it may still follow.
    fn stop(&mut self, cgroup: u64, name: &str, labels: &[(&str, &str)]) {
        self.state.changed(CgroupId(cgroup), Some(&known(name, labels, true)));
    }

    /// No event of the cgroup can follow.
    fn forget(&mut self, cgroup: u64) {
        self.state.changed(CgroupId(cgroup), None);
    }

    /// Time goes on. Returns how many traces are complete by that.
    fn pass(&mut self, time: Duration) -> usize {
        self.now = Now { wall: self.now.wall + time, instant: self.now.instant + time };
        self.state.tick(self.now).0.len()
    }

    /// Executions in a cgroup, one after the other.
    fn execute(&mut self, cgroup: u64, count: usize) {
        let event = Event { cgroup: CgroupId(cgroup), time: self.now.wall, ..fake::exec() };
        for _ in 0..count {
            self.state.take(vec![event.clone()]);
        }
    }

    fn subscribe(&self, name: &str) -> Subscription {
        self.state.subscribe(name).expect("there is one")
    }
}

fn read(spec: &str) -> Spec {
    Spec::read(&serde_json::from_str(spec).expect("JSON")).expect("a spec")
}

fn known(name: &str, labels: &[(&str, &str)], is_removed: bool) -> Known {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let identity = Identity {
        scope: Scope::Container,
        container: name.to_owned(),
        container_id: format!("{name}-id"),
        container_labels: labels.collect(),
        ..Identity::default()
    };
    let path = format!("/docker/{name}").into();
    Known { path, identity: Arc::new(identity), is_settled: true, is_removed, users: None }
}
