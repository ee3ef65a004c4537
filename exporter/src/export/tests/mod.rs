mod extended;
mod hits;

use std::{
    collections::{BTreeMap, HashSet},
    io::Write as _,
    process::{Command, Stdio},
    time::{Instant, UNIX_EPOCH},
};

use doubleslit_common::{
    kind::Kind,
    loss::Loss,
    probes::{
        signal,
        socket_state::{Protocol, Transition},
        syscall, syscall_latency, tcp,
    },
};

use super::*;
use crate::{
    bpf::{
        pin::Pinned,
        status::{EventStatus, ProbeState, ProbeStatus, ProgramStatus},
    },
    config,
    counts::snapshot::{Container, Folded, Identities, Lifecycle, MapRead, PerKind, Sender, Subject},
    events::account::{self, Account, OfKind},
    identity::{
        Identity, Runtime, Scope,
        labels::{DESCRIPTION, IdentityLabel},
    },
    privileges::{Layer, Sandbox, State},
    probes::{self, PROBES},
    web,
};

const OPEN_METRICS: &str = include_str!("small.openmetrics");
const TEXT: &str = include_str!("small.text");

fn labels(values: &[&str]) -> Arc<[String]> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn subject(scope: Scope, values: &[&str], counts: &[(Kind, u32, u64)], edges: &[(u32, &str, u64)]) -> Arc<Subject> {
    let sender = |name: &str| Arc::new(Sender { container: name.to_owned(), namespace: "shop".to_owned() });
    Arc::new(Subject {
        scope,
        labels: labels(values),
        created: UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
        counts: counts.iter().map(|(kind, detail, count)| ((*kind, *detail), *count)).collect(),
        edges: edges.iter().map(|(detail, name, count)| ((*detail, sender(name)), *count)).collect(),
    })
}

fn per_kind(numbers: &[(Kind, u64)]) -> PerKind {
    let mut all = PerKind::default();
    numbers.iter().for_each(|(kind, number)| all.add(*kind, *number));
    all
}

fn transition(protocol: Protocol, old: u32, new: u32) -> u32 {
    Transition { family: tcp::Family::Ipv4, protocol, old, new }.detail()
}

fn latency(call: u32, nanoseconds: u64) -> u32 {
    syscall_latency::detail(call, syscall_latency::bucket(nanoseconds))
}

fn container(values: &[&str], cgroup_id: u64, started: Option<u64>, running: bool) -> Arc<Container> {
    Arc::new(Container {
        labels: labels(values),
        identity: Arc::new(Identity {
            scope: Scope::Container,
            runtime: Some(Runtime::Docker),
            container_id: "abc".to_owned(),
            container: "web \"1\"\\\n2".to_owned(),
            image: "nginx:1".to_owned(),
            image_id: "sha256:1".to_owned(),
            container_labels: BTreeMap::from([("com.docker.compose.project".to_owned(), "shop".to_owned())]),
            ..Identity::default()
        }),
        cgroup_id,
        cgroup_path: "/system.slice/docker-abc.scope".to_owned(),
        started: started.map(|seconds| UNIX_EPOCH + Duration::from_millis(seconds)),
        running,
    })
}

pub(super) fn snapshot() -> Snapshot {
    let kill = |result: signal::SignalResult| signal::detail(9, result as u32);
    Snapshot {
        taken: Duration::from_secs(7),
        labels: Arc::default(),
        ignoring: false,
        subjects: vec![
            subject(Scope::Host, &["", "", "", ""], &[(Kind::Exec, 0, 7)], &[]),
            subject(
                Scope::Container,
                &["", "", "web \"1\"\\\n2", "abc"],
                &[
                    (Kind::Exit, 1, 2),
                    (Kind::SignalGenerate, kill(signal::SignalResult::Delivered), 30),
                    (Kind::SignalGenerate, kill(signal::SignalResult::Ignored), 40),
                    // Two details that look the same: details of later versions have no name.
                    (Kind::SignalDeliver, 70, 1),
                    (Kind::SignalDeliver, 71, 2),
                    (Kind::SocketState, transition(Protocol::Tcp, 7, 2), 4),
                    (Kind::SocketState, transition(Protocol::Mptcp, 7, 2), 8),
                    (Kind::SocketState, transition(Protocol::Tcp, 3, 1), 16),
                    // Both are called syn_received.
                    (Kind::SocketState, transition(Protocol::Tcp, 12, 1), 32),
                    (Kind::Syscall, syscall::detail(syscall::COMPAT, -11), 3),
                    (Kind::Syscall, syscall::detail(1000, -38), 2),
                    (Kind::SyscallTime, 1000, 1_500_000_001),
                    (Kind::SyscallUntimed, syscall::COMPAT, 3),
                    (Kind::SyscallLatency, latency(1000, 1_000), 2),
                    (Kind::SyscallLatency, latency(1000, 1_001), 4),
                    (Kind::SyscallLatency, latency(1000, 1_499_993_998), 1),
                    // What a limit folded, and what a map had no place for.
                    (Kind::SyscallTime, probes::OTHER_DETAIL, 11_000_000_000),
                    (Kind::SyscallLatency, latency(syscall::OTHER, 10_000_000_001), 1),
                    (Kind::SyscallLatency, probes::OTHER_DETAIL, 2),
                ],
                &[
                    (kill(signal::SignalResult::Delivered), "db", 10),
                    (kill(signal::SignalResult::Delivered), "api", 20),
                    (kill(signal::SignalResult::Ignored), "api", 40),
                ],
            ),
            subject(Scope::Pod, &["shop", "cart", "", ""], &[(Kind::Exec, 0, 1)], &[]),
            subject(Scope::Other, &["", "", "other", ""], &[(Kind::Exec, 0, 3)], &[]),
        ],
        lifecycles: vec![lifecycle("web", 3, 1), lifecycle("db", 1, 0)],
        containers: vec![
            container(&["", "", "web \"1\"\\\n2", "abc"], 77, Some(1_700_000_000_500), true),
            container(&["", "", "old", "def"], 78, None, false),
        ],
        counted: per_kind(&[(Kind::Exec, 12), (Kind::SignalGenerate, 70), (Kind::SyscallTime, 1_750_000_001)]),
        retired: per_kind(&[(Kind::Exec, 1), (Kind::SyscallTime, 250_000_000)]),
        ignored: PerKind::default(),
        folded: vec![Folded { metric: "doubleslit_process_execs", reason: "full", count: 3 }],
        maps: vec![
            MapRead { map: "counts", keys: 20, capacity: 65536, syscalls: 2, duration: Duration::from_micros(250) },
            MapRead { map: "edges", keys: 3, capacity: 16384, syscalls: 1, duration: Duration::from_micros(50) },
        ],
        losses: vec![(Loss::CountsFull, 7), (Loss::EdgesFull, 0)],
        identities: Identities { entries: 5, failures: vec![("docker", "missing", 2)], up: vec![("cri", false)] },
        duration: Duration::from_micros(500),
    }
}

fn lifecycle(container: &str, starts: u64, stops: u64) -> Arc<Lifecycle> {
    let container = container.to_owned();
    let (namespace, pod) = (String::new(), String::new());
    let created = UNIX_EPOCH + Duration::from_secs(1_700_000_001);
    let (runtime, extra) = (Runtime::Docker, labels(&[]));
    Arc::new(Lifecycle { namespace, pod, container, runtime, extra, created, starts, stops })
}

fn internals() -> Internals {
    Internals {
        reloaded: Reloaded { is_successful: true, succeeded: Duration::from_millis(1_700_000_000_500) },
        probes: vec![
            ProbeStatus { name: "exec", state: ProbeState::Up, reason: String::new() },
            ProbeStatus { name: "oom", state: ProbeState::Unsupported, reason: "no `mark_victim`".to_owned() },
        ],
        sent: vec![
            EventStatus { kind: Kind::Exec, state: ProbeState::Up, reason: String::new() },
            EventStatus { kind: Kind::OomKill, state: ProbeState::Failed, reason: "too \"old\"".to_owned() },
        ],
        programs: vec![ProgramStatus {
            name: "exec",
            tracepoint: "sched_process_exec",
            id: 42,
            misses: 0,
            runs: 12,
            run_time: Duration::from_nanos(1500),
        }],
        stats_enabled: true,
        pinned: Pinned::Off,
        sandbox: Sandbox(vec![
            (Layer::Capabilities, State::Active("BPF,PERFMON".to_owned())),
            (Layer::Landlock, State::Unavailable("the kernel does not have it".to_owned())),
            (Layer::Seccomp, State::Off),
        ]),
        begun: Duration::ZERO,
        poll_failures: 3,
        events: Some(account()),
        logs: None,
        pushes: None,
        web: web::Totals {
            refused: vec![("no_password", 2), ("header_time", 1)],
            connections: 3,
            is_config_good: Some(true),
        },
    }
}

/// Two kinds of single events: one from the kernel, one that is made here.
fn account() -> Account {
    let exec = OfKind {
        generated: 100,
        filtered: 10,
        sampled_out: 20,
        lost: [(account::RING_FULL, 5), (account::DECODE, 1)].into(),
        received: 64,
    };
    let start = OfKind { generated: 3, lost: [(account::QUEUE_FULL, 1)].into(), received: 2, ..OfKind::default() };
    Account {
        kinds: [(Kind::Exec, exec), (Kind::ContainerStart, start)].into(),
        unknown: 0,
        missed: [("otlp", 7)].into(),
        ring_bytes: 8 << 20,
        waiting_bytes: 4096,
    }
}

fn config() -> Config {
    config::load(None, [], &config::Flags::default()).expect("the defaults")
}

pub(super) fn inputs(snapshot: Snapshot) -> Inputs {
    let config = config();
    Inputs {
        settings: Arc::new(Settings::new(&config, probes::families())),
        snapshot: Arc::new(Snapshot { labels: config.identity.labels.clone().into(), ..snapshot }),
        internals: Arc::new(internals()),
        process: Some(Process {
            cpu_seconds: 1.25,
            open_fds: 20,
            max_fds: Some(1024),
            virtual_bytes: 1 << 30,
            resident_bytes: 20 << 20,
            start_seconds: 1_700_000_000.25,
        }),
        stopwatch: Stopwatch::new(|| Duration::from_millis(2)),
    }
}

/// Compares with a golden file; `BLESS=1` writes it.
fn compare(name: &str, expected: &str, found: &str) {
    let found = found.replace(env!("CARGO_PKG_VERSION"), "VERSION").replace(std::env::consts::ARCH, "ARCH");
    if std::env::var_os("BLESS").is_some() {
        let path = format!("{}/src/export/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, found).expect("written");
    } else {
        assert!(found == expected, "{name} differs (`BLESS=1 cargo test` writes it):\n{found}");
    }
}

#[test]
fn small_openmetrics() {
    compare("small.openmetrics", OPEN_METRICS, &encode(&inputs(snapshot()), Format::OpenMetrics));
}

#[test]
fn small_text() {
    compare("small.text", TEXT, &encode(&inputs(snapshot()), Format::Text));
}

#[test]
fn a_description_has_the_labels_that_are_kept_from_others() {
    assert_eq!(own::CONTAINER_INFO.labels, DESCRIPTION);
}

#[test]
fn promtool_accepts_the_text() {
    promtool(&encode(&inputs(snapshot()), Format::Text));
    promtool(&encode(&inputs(Snapshot::default()), Format::Text));
    promtool(&encode(&inputs(large(3000)), Format::Text));
}

fn promtool(text: &str) {
    let Ok(mut child) = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("read by promtool");
    let output = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// The sample lines without their values.
fn series(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect()
}

fn assert_no_duplicates(text: &str) {
    let mut seen = HashSet::new();
    let twice: Vec<_> = series(text).into_iter().filter(|line| !seen.insert(*line)).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let mut seen = HashSet::new();
    let twice: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE") && !seen.insert(*line)).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn no_series_twice_whatever_the_labels() {
    for label in IdentityLabel::ALL {
        let mut inputs = inputs(snapshot());
        let mut config = config();
        config.identity.labels.identity = vec![label];
        inputs.settings = Arc::new(Settings::new(&config, probes::families()));
        let mut snapshot = Snapshot { labels: config.identity.labels.clone().into(), ..snapshot() };
        // Subjects differ in their labels; the dead and the living of one name do not.
        snapshot.subjects.truncate(1);
        Arc::make_mut(&mut snapshot.subjects[0]).labels = labels(&["same"]);
        for container in &mut snapshot.containers {
            Arc::make_mut(container).labels = labels(&["same"]);
        }
        inputs.snapshot = Arc::new(snapshot);
        let text = encode(&inputs, Format::Text);
        assert_no_duplicates(&text);
        promtool(&text);
    }
}

#[test]
fn generated_signals_and_edges_have_the_same_sum() {
    let text = encode(&inputs(snapshot()), Format::Text);
    let sum = |name: &str| -> u64 {
        let rows = text.lines().filter(|line| line.starts_with(name));
        rows.map(|line| line.rsplit_once(' ').expect("a value").1.parse::<u64>().expect("a number")).sum()
    };
    assert_eq!(sum("doubleslit_signals_generated_total"), 70);
    assert_eq!(sum("doubleslit_signal_edges_total"), 70);
}

#[test]
fn scrape_series_is_the_number_of_samples() {
    for inputs in [inputs(snapshot()), extended::inputs()] {
        for format in [Format::Text, Format::OpenMetrics] {
            let text = encode(&inputs, format);
            let expected = format!("\ndoubleslit_scrape_series {}\n", series(&text).len());
            assert!(text.contains(&expected), "no {expected} in {text}");
        }
    }
}

#[test]
fn pieces_are_whole_lines_and_add_up() {
    let inputs = inputs(large(5_000));
    for format in [Format::OpenMetrics, Format::Text] {
        let (mut pieces, mut whole) = (0, String::new());
        let result = encode_in_chunks(&inputs, format, &mut |piece| {
            assert!(piece.ends_with('\n') || piece.is_empty());
            assert!(piece.len() < CHUNK_BYTES + 4096, "a piece of {} bytes", piece.len());
            pieces += 1;
            whole.push_str(piece);
            Ok(())
        });
        assert_eq!(result, Ok(()));
        assert!(pieces > 10);
        assert!(whole == encode(&inputs, format), "the pieces are not the whole");
        assert_no_duplicates(&whole);
    }
}

#[test]
fn a_sink_that_fails_ends_it() {
    let mut calls = 0;
    let result = encode_in_chunks(&inputs(large(5_000)), Format::Text, &mut |_| {
        calls += 1;
        Err(fmt::Error)
    });
    assert_eq!((result, calls), (Err(fmt::Error), 1));
}

#[test]
fn names_and_helps_are_fit_to_print() {
    let own = METRICS.iter().map(|metric| (metric.name, metric.help, metric.labels));
    let counts = probes::all_families().map(|family| (family.name, family.help, family.labels));
    let mut seen = HashSet::new();
    for (name, help, labels) in own.chain(counts) {
        assert!(seen.insert(name), "{name} twice");
        let plain =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit());
        assert!(plain(name) && !name.ends_with("_total"), "{name}");
        assert!(labels.iter().all(|label| plain(label)), "{name}");
        assert!(!help.is_empty() && !help.ends_with('.') && !help.contains(['\\', '\n', '"']), "{name}: {help}");
    }
}

#[test]
fn this_process_is_readable() {
    let process = Process::read().expect("readable");
    assert!(process.resident_bytes > 1 << 20 && process.virtual_bytes >= process.resident_bytes);
    assert!(process.open_fds > 2 && process.start_seconds > 1e9);
}

/// Containers with 20 series and more each.
fn large(containers: usize) -> Snapshot {
    let subjects = (0..containers)
        .map(|number| {
            let id = format!("{number:064x}");
            let pod = format!("checkout-7d9c5b6f4-{number:05}");
            subject(Scope::Container, &["production", &pod, "checkout", &id], &[(Kind::Exec, 0, number as u64)], &[])
        })
        .collect();
    Snapshot { subjects, ..Snapshot::default() }
}

#[test]
#[ignore = "measures; run with --release -- --ignored --nocapture"]
fn speed() {
    let inputs = inputs(large(100_000 / 19));
    for format in [Format::OpenMetrics, Format::Text] {
        let text = encode(&inputs, format);
        let (count, bytes) = (series(&text).len(), text.len());
        let mut times: Vec<_> = (0..9)
            .map(|_| {
                let began = Instant::now();
                std::hint::black_box(encode(&inputs, format));
                began.elapsed()
            })
            .collect();
        times.sort();
        println!(
            "{format:?}: {count} series, {bytes} bytes, median {:?}, from {:?} to {:?}",
            times[4], times[0], times[8]
        );
    }
    assert_eq!(PROBES.len(), 9);
}
