//! The kernel's side of single events without a reader: what is in the ring, and what became of the rest.

use std::{collections::BTreeMap, os::unix::process::CommandExt as _, process::Command, sync::Arc, thread};

use doubleslit::{
    bpf::{
        events::EventSettings,
        object::{KERNEL_BTF, Loaded},
    },
    events::source::RecordSource as _,
    filter::{Filter, List, Sampling, WrittenRule, kernel::KernelFilter},
    identity::{
        CgroupId, Identity,
        registry::{Known, Watcher as _},
    },
    probes::syscall::Calls,
};
use doubleslit_common::{
    event::{Header, Stage},
    kind::Kind,
    wire,
};

use super::load;

/// A user that nobody on this machine is, so that whatever this one does is the test's.
pub(super) const USER: u32 = 3_000_000_001;

/// Loaded programs, and what they sent so far.
pub(super) struct Ring(Loaded);

impl Ring {
    /// Listens to executions that pass these rules, and are in the sample.
    pub(super) fn of_executions(select: &[&str], drop: &[&str], sample: &[&str]) -> Self {
        let list = |name, rules: &[&str]| {
            let rules = rules.iter().map(|rule| WrittenRule::parse(rule, name).expect("a rule"));
            List { name, rules: rules.collect() }
        };
        let filter = Filter::default().and(list("select", select), list("drop", drop)).expect("valid");
        let mut sampling = Sampling::default();
        for rule in list("sample", sample).rules {
            sampling.add(&rule, "sample").expect("valid");
        }
        let events = EventSettings {
            gates: BTreeMap::from([(Kind::Exec, sampling.gate(Kind::Exec, 1))]),
            filter: KernelFilter::of(&filter),
            ring_bytes: 8 << 20,
            arguments: 0,
            working_directory: false,
            tracepoints: Arc::default(),
            calls: Calls::default(),
        };
        Self(load(events, KERNEL_BTF.into()))
    }

    /// Tells the kernel whose a cgroup is.
    pub(super) fn tell(&self, cgroup: u64, container: &str) {
        let identity = Identity { container: container.to_owned(), ..Identity::default() };
        let known =
            Known { path: "/x".into(), identity: Arc::new(identity), is_settled: true, is_removed: false, users: None };
        self.0.verdicts.as_ref().expect("a rule asks for the owner").changed(CgroupId(cgroup), Some(&known));
    }

    /// What begins the records that are in the ring now.
    pub(super) fn headers(&mut self) -> Vec<Header> {
        let mut headers = Vec::new();
        let ring = self.0.events.as_mut().expect("somebody listens");
        ring.drain(usize::MAX, &mut |record| headers.push(wire::take(record).expect("a whole header").0));
        headers
    }

    /// How many executions came to a stage since the programs were loaded.
    pub(super) fn count(&mut self, stage: Stage) -> u64 {
        self.0.stages.read().expect("the stages can be read").get(&(Kind::Exec, stage)).copied().unwrap_or_default()
    }
}

/// Executes something, this many times, as [`USER`] and those after it in turn.
pub(super) fn execute(count: u32, users: u32) {
    for number in 0..count {
        let status = Command::new("/bin/true").uid(USER + number % users).status();
        assert!(status.expect("it can be run").success());
    }
}

/// Executes something this many times on one CPU.
pub(super) fn execute_on_one_cpu(count: u32) {
    let pinned = thread::spawn(move || {
        let mut cpus = rustix::thread::CpuSet::new();
        cpus.set(0);
        rustix::thread::sched_setaffinity(None, &cpus).expect("there is a CPU 0");
        execute(count, 1);
    });
    pinned.join().expect("no panic");
}
