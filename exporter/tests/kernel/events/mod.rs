//! Single events, as `doubleslit watch` prints them.

mod chain;
mod container;
mod directory;
mod ends;
mod exec;
mod exit;
mod filter;
mod flood;
mod fork;
mod fresh;
mod ignored;
mod lost;
mod oom;
mod owner;
mod process;
mod ring;
mod sample;
mod signal;
mod socket_state;
mod storm;
mod strace;
mod syscall;
mod tcp;
mod unsupported;
mod users;

use std::{
    fs,
    path::{Path, PathBuf},
};

use doubleslit::{
    bpf::{
        events::EventSettings,
        object::{self, Loaded},
    },
    filter::Owners,
    probes::syscall::Calls,
};
use doubleslit_testbed::{docker::LoadContainer, wait, watch::Watch};
use serde_json::Value;

use crate::harness::{BINARY, docker};

/// Watches with these flags, and knows the tests' Docker engine.
fn watch(arguments: &[&str]) -> Watch {
    Watch::start(Path::new(BINARY), &config(), arguments)
}

fn config() -> String {
    format!("identity: {{docker_root: \"{}\"}}", docker().data_root().display())
}

/// Loads what sends single events, for a kernel that is described there, and nothing that counts.
fn load(events: EventSettings, btf: PathBuf) -> Loaded {
    let settings = object::Settings {
        probes: Vec::new(),
        calls: Calls::default(),
        call_times: false,
        calls_of: Owners::default(),
        counts: 1024,
        edges: 1,
        tracepoints: None,
        events: Some(events),
        stats: false,
        pin: None,
        btf,
    };
    object::load(&settings).expect("the programs are loaded")
}

/// An attribute as text; empty where there is none.
fn text<'a>(event: &'a Value, attribute: &str) -> &'a str {
    event[attribute].as_str().unwrap_or_default()
}

/// Runs containers until one has its name from its first event on: the sockets that tell names are connected. `run` starts one
/// and returns its id.
fn await_names(watch: &Watch, mut run: impl FnMut() -> String) {
    let is_named = |id: String| {
        let event = watch.await_event("something of the container", |event| text(event, "container.id") == id);
        (!text(&event, "container.name").is_empty()).then_some(())
    };
    wait::until("containers have names", || is_named(run()));
}

/// Whether it is an event of this kind that belongs to a container.
fn is_of(event: &Value, kind: &str, container: &LoadContainer<'_>) -> bool {
    text(event, "event") == kind && text(event, "container.id") == container.id
}

/// Checks attributes of an event; `null` stands for one that is not there.
fn assert_attributes(event: &Value, expected: &Value) {
    for (attribute, value) in expected.as_object().expect("an object") {
        assert_eq!(&event[attribute], value, "{attribute} of {event}");
    }
}

/// The inode number of a process's network namespace.
fn network_namespace(pid: i32) -> u64 {
    let link = fs::read_link(format!("/proc/{pid}/ns/net")).expect("the process runs");
    let number = link.to_str().and_then(|text| text.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok());
    number.expect("the number of a namespace")
}
