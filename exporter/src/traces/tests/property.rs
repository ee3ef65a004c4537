//! Whatever happens in whatever order.

use proptest::prelude::*;

use doubleslit_common::traced::WHOLE;

use super::*;
use crate::probes::syscall::call_number;

/// What a trace asks for, and the same once more as a test.
struct Asked {
    owner: &'static str,
    /// Whether it is about a container, by its number and its label; nothing where it is about anybody.
    is_about: Option<fn(u8, u8) -> bool>,
}

const ASKED: [Asked; 6] = [
    Asked { owner: "", is_about: None },
    Asked { owner: r#""labelSelector": {"matchLabels": {"app": "app1"}},"#, is_about: Some(|_, label| label == 1) },
    Asked {
        owner: r#""labelSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["app1", "app2"]}]},"#,
        is_about: Some(|_, label| label != 1 && label != 2),
    },
    Asked { owner: r#""containers": ["web-0", "web-2*"],"#, is_about: Some(|name, _| name == 0 || name == 2) },
    Asked { owner: r#""cgroup": "/docker/web-1","#, is_about: Some(|name, _| name == 1) },
    Asked {
        owner: r#""containers": ["web-*"], "labelSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["app0"]}]},"#,
        is_about: Some(|_, label| label == 0),
    },
];

/// What can be wanted: a list of what a trace asks for, and what stands there. The last call is one of two of its pattern.
const WANTED: [(&str, &str); 4] =
    [("events", "exec"), ("syscalls", "openat"), ("syscalls", "openat*"), ("tracepoints", "sched:*")];

/// The same as the kernel is asked for it.
fn wanted((list, name): (&str, &str)) -> Vec<Wanted> {
    let of_kind = |kind: Kind, detail: u32| Wanted { kind, detail };
    let call = |name: &str| {
        let call = call_number(name).expect("every architecture has it");
        of_kind(Kind::Syscall, call)
    };
    match (list, name) {
        ("events", _) => vec![of_kind(Kind::Exec, WHOLE)],
        ("tracepoints", _) => vec![of_kind(Kind::Tracepoint, FORK)],
        (_, "openat") => vec![call("openat")],
        _ => vec![call("openat"), call("openat2")],
    }
}

#[derive(Clone, Debug)]
enum Step {
    Create { trace: u8, asked: usize, wanted: u8, is_limited: bool },
    Begin { trace: u8 },
    Delete { trace: u8 },
    Start { container: u8, label: u8 },
    Stop { container: u8 },
    Release { container: u8 },
    Restart { container: u8, label: u8 },
    Relabel { container: u8, label: u8 },
    Pass { seconds: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let (trace, container, label) = (0u8..6, 0u8..4, 0u8..4);
    let labelled = (container.clone(), label);
    prop_oneof![
        3 => (trace.clone(), 0..ASKED.len(), 1u8..16, any::<bool>())
            .prop_map(|(trace, asked, wanted, is_limited)| Step::Create { trace, asked, wanted, is_limited }),
        4 => trace.clone().prop_map(|trace| Step::Begin { trace }),
        2 => trace.prop_map(|trace| Step::Delete { trace }),
        3 => labelled.clone().prop_map(|(container, label)| Step::Start { container, label }),
        1 => container.clone().prop_map(|container| Step::Stop { container }),
        1 => container.prop_map(|container| Step::Release { container }),
        1 => labelled.clone().prop_map(|(container, label)| Step::Restart { container, label }),
        2 => labelled.prop_map(|(container, label)| Step::Relabel { container, label }),
        1 => (1u8..12).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// A trace as the test has it.
struct Model {
    id: u64,
    asked: usize,
    wanted: BTreeSet<Wanted>,
    is_limited: bool,
    began: Option<Now>,
}

impl Model {
    fn is_running(&self, now: Now) -> bool {
        self.began.is_some_and(|began| !self.is_limited || now.instant < began.instant + Duration::from_secs(10))
    }
}

#[derive(Default)]
struct World {
    traces: BTreeMap<u8, Model>,
    /// By cgroup: the container's number and label, and whether the cgroup was removed.
    cgroups: BTreeMap<u64, (u8, u8, bool)>,
    created: u64,
}

impl World {
    /// The cgroup of a container that is there.
    fn cgroup(&self, container: u8) -> Option<u64> {
        let is_it = |(_, (number, _, is_removed)): &(&u64, &(u8, u8, bool))| *number == container && !is_removed;
        self.cgroups.iter().find(is_it).map(|(cgroup, _)| *cgroup)
    }

    /// What must be on in the kernel, from scratch.
    fn on(&self, now: Now) -> BTreeSet<(Option<u64>, Wanted)> {
        let mut on = BTreeSet::new();
        for trace in self.traces.values().filter(|trace| trace.is_running(now)) {
            let owners: Vec<_> = match ASKED[trace.asked].is_about {
                None => vec![None],
                Some(is_about) => {
                    let about = self.cgroups.iter().filter(|(_, (name, label, _))| is_about(*name, *label));
                    about.map(|(cgroup, _)| Some(*cgroup)).collect()
                }
            };
            on.extend(owners.into_iter().flat_map(|owner| trace.wanted.iter().map(move |wanted| (owner, *wanted))));
        }
        on
    }

    fn start(&mut self, bench: &mut Bench, container: u8, label: u8) {
        self.created += 1;
        self.cgroups.insert(self.created, (container, label, false));
        self.tell(bench, self.created);
    }

    fn stop(&mut self, bench: &mut Bench, container: u8) {
        if let Some(cgroup) = self.cgroup(container) {
            self.cgroups.entry(cgroup).and_modify(|(_, _, is_removed)| *is_removed = true);
            self.tell(bench, cgroup);
        }
    }

    fn tell(&self, bench: &mut Bench, cgroup: u64) {
        let (container, label, is_removed) = self.cgroups[&cgroup];
        let (name, label) = (format!("web-{container}"), format!("app{label}"));
        bench.state.changed(CgroupId(cgroup), Some(&known(&name, &[("app", &label)], is_removed)));
    }

    fn take(&mut self, bench: &mut Bench, step: Step) {
        match step {
            Step::Create { trace, asked, wanted: bits, is_limited } => {
                let named =
                    || WANTED.into_iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, named)| named);
                let list = |list| named().filter(|(of, _)| *of == list).map(|(_, name)| name).collect::<Vec<_>>();
                let lists = ["events", "syscalls", "tracepoints"].map(|name| format!("{name:?}: {:?}", list(name)));
                let wanted = named().flat_map(wanted).collect();
                let duration = if is_limited { r#", "duration": "10s""# } else { "" };
                let spec = format!("{{{} {}{duration}}}", ASKED[asked].owner, lists.join(", "));
                let created = bench.create(&trace.to_string(), &spec);
                assert_eq!(created.is_err(), self.traces.contains_key(&trace), "a name is used once");
                if let Ok((id, _)) = created {
                    self.traces.insert(trace, Model { id, asked, wanted, is_limited, began: None });
                }
            }
            Step::Begin { trace } => {
                if let Some(model) = self.traces.get_mut(&trace).filter(|model| model.began.is_none()) {
                    assert!(bench.state.begin(model.id, bench.now));
                    model.began = Some(bench.now);
                }
            }
            Step::Delete { trace } => {
                let deleted = bench.state.delete(&trace.to_string(), bench.now);
                assert_eq!(deleted.is_ok(), self.traces.remove(&trace).is_some());
            }
            Step::Start { container, label } => {
                if self.cgroup(container).is_none() {
                    self.start(bench, container, label);
                }
            }
            Step::Stop { container } => self.stop(bench, container),
            Step::Release { container } => {
                let is_it =
                    |(_, (number, _, is_removed)): &(&u64, &(u8, u8, bool))| *number == container && *is_removed;
                let released = self.cgroups.iter().find(is_it).map(|(cgroup, _)| *cgroup);
                if let Some(cgroup) = released {
                    self.cgroups.remove(&cgroup);
                    bench.forget(cgroup);
                }
            }
            Step::Restart { container, label } => {
                self.stop(bench, container);
                self.start(bench, container, label);
            }
            Step::Relabel { container, label } => {
                if let Some(cgroup) = self.cgroup(container) {
                    self.cgroups.insert(cgroup, (container, label, false));
                    self.tell(bench, cgroup);
                }
            }
            Step::Pass { seconds } => {
                bench.pass(Duration::from_secs(seconds.into()));
            }
        }
    }
}

proptest! {
    /// The kernel is always asked for exactly what the traces that run want of the containers that there are, and for nothing
    /// once all of them are deleted.
    #[test]
    fn the_kernel_is_asked_for_what_is_wanted(steps in proptest::collection::vec(step(), 1..80)) {
        let (mut bench, mut world) = (Bench::new(), World::default());
        for step in steps {
            world.take(&mut bench, step.clone());
            prop_assert_eq!(bench.kernel.wanted(), world.on(bench.now), "after {:?}", step);
        }
        for trace in world.traces.keys() {
            bench.delete(&trace.to_string());
        }
        prop_assert_eq!(bench.kernel.on(), BTreeSet::new());
    }
}
