//! Traces of real containers.

mod beside;
mod calls;
mod filters;
mod lives;
mod many;
mod samples;
mod tracepoints;

use std::{collections::BTreeSet, io::Write as _, process::Command};

use doubleslit::{
    app::Tracer,
    config::{self, Flags},
    events::{event::Event, hub::Subscription},
    probes::syscall::call_name,
    traces::{Phase, Spec, Status, Traces},
};
use doubleslit_common::kind::Kind;
use doubleslit_testbed::{cgroup::Cgroup, docker::LoadContainer, shell, wait};
use tokio::runtime::Runtime;

use crate::{
    bpf_objects::{await_gone, bpf_objects},
    harness::docker,
};

/// Traces in this process.
struct Tracing {
    tracer: Tracer,
    runtime: Runtime,
}

impl Tracing {
    /// Knows the tests' Docker engine, with further lines of configuration.
    fn start(lines: &str) -> Self {
        let mut file = tempfile::NamedTempFile::new().expect("a file can be made");
        let root = docker().data_root();
        writeln!(file, "identity: {{docker_root: \"{}\"}}\n{lines}", root.display()).expect("a file can be written");
        let config = config::load(Some(file.path()), [], &Flags::default()).expect("a configuration");
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
        let tracer = runtime.block_on(async { Tracer::start(&config) }).expect("traces can be had");
        Self { tracer, runtime }
    }

    fn traces(&self) -> &Traces {
        self.tracer.traces()
    }

    /// Creates a trace, and waits until it runs. The spec is JSON.
    fn run(&self, name: &str, spec: &str) {
        let spec = Spec::read(&serde_json::from_str(spec).expect("JSON")).expect("a spec");
        self.traces().create(name, spec).expect("a trace");
        self.until(name, "it runs", |status| status.phase != Phase::Pending);
        let status = self.status(name);
        assert_ne!(status.phase, Phase::Failed, "{}", status.message);
    }

    fn status(&self, name: &str) -> Status {
        self.traces().get(name).expect("there is one").status
    }

    fn until(&self, name: &str, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
        wait::until(&format!("trace {name}: {what}"), || Some(self.status(name)).filter(&is_so))
    }

    /// Waits until it is about a container, as that is now.
    fn until_about(&self, name: &str, container: &LoadContainer<'_>) {
        self.until(name, "it is about the container", |status| {
            status.containers.iter().any(|matched| matched.id == container.id)
        });
    }

    /// The events that came, once the trace has had so many.
    fn events(&self, name: &str, subscription: &mut Subscription, count: usize) -> Vec<Event> {
        self.until(name, &format!("{count} events"), |status| status.events >= count as u64);
        let mut events = Vec::new();
        while events.len() < count {
            let batch = self.runtime.block_on(subscription.next());
            let (batch, missed) = batch.expect("the trace is there");
            assert_eq!(missed, 0);
            events.extend(batch.events.iter().cloned());
        }
        events
    }

    fn subscribe(&self, name: &str) -> Subscription {
        self.traces().subscribe(name).expect("there is one")
    }

    /// What the kernel is asked for.
    fn filters(&self) -> BTreeSet<(u64, Kind)> {
        let read = self.tracer.traced().read().expect("the map can be read");
        read.into_iter().map(|key| (key.cgroup, Kind::from_number(key.kind as u8).expect("a kind"))).collect()
    }

    /// The system calls that it is asked for.
    fn calls(&self) -> BTreeSet<(u64, &'static str)> {
        let read = self.tracer.traced().read().expect("the map can be read");
        let calls = read.into_iter().filter(|key| key.kind == Kind::Syscall as u32);
        calls.map(|key| (key.cgroup, call_name(key.detail))).collect()
    }
}

/// The programs that this process holds, as the kernel tells.
fn all_programs() -> BTreeSet<String> {
    let objects = bpf_objects(std::process::id().cast_signed());
    let programs = objects.iter().filter(|(kind, _)| kind == "prog");
    let names = programs.filter_map(|(_, id)| Some(bpftool(&["prog", "show", "id", id])?["name"].as_str()?.to_owned()));
    names.collect()
}

/// Those of them that send events.
fn programs() -> BTreeSet<String> {
    all_programs().into_iter().filter(|name| name.ends_with("_event")).collect()
}

/// What `bpftool` tells; nothing of what is gone.
fn bpftool(arguments: &[&str]) -> Option<serde_json::Value> {
    let output = shell::output(Command::new("bpftool").arg("--json").args(arguments));
    serde_json::from_slice(&output.stdout).ok()
}

/// The id of a container's own cgroup.
fn cgroup_of(container: &LoadContainer<'_>) -> u64 {
    Cgroup::create(&format!("/docker/{}", container.id)).id()
}

/// Waits until the programs, maps and links go that this process has now, and did not have before.
fn await_end_of(before: &BTreeSet<(String, String)>) {
    let new = bpf_objects(std::process::id().cast_signed()).difference(before).cloned().collect();
    await_gone(&new);
}
