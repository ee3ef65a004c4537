//! Writing 100,000 series.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, UNIX_EPOCH},
};

use anyhow::Result;
use doubleslit::{
    counts::snapshot::{Container, Sender, Snapshot, Subject},
    export::{Format, Inputs, Internals, Process, Settings, Stopwatch, encode, encode_in_chunks},
    identity::{
        Identity, Runtime, Scope,
        labels::{IdentityLabel, RowLabels},
    },
    probes,
};
use doubleslit_common::{
    kind::Kind,
    probes::{
        exit::Outcome,
        signal::{self, SignalResult},
        socket_state::{Protocol, Transition},
        tcp::Family,
    },
};

use super::{
    Effort, progress,
    report::{Report, Target},
    statistics::Summary,
};

const SERIES: usize = 100_000;
const REPETITIONS: u64 = 40;

/// Encodes and tells how long that takes.
pub(super) fn measure(effort: Effort, report: &mut Report) -> Result<()> {
    progress::tell("encoding");
    let per_container = (series(&inputs(200)) - series(&inputs(100))).div_ceil(100);
    let containers = SERIES.div_ceil(per_container);
    let inputs = inputs(containers);
    report.section(
        "Writing the text",
        "A made-up snapshot, written in pieces that are thrown away, by one thread and without compression.",
    );
    let mut rows = vec![
        vec!["containers".to_owned(), containers.to_string()],
        vec!["series".to_owned(), series(&inputs).to_string()],
        vec!["size, MiB".to_owned(), format!("{:.1}", encode(&inputs, Format::Text).len() as f64 / f64::from(1 << 20))],
    ];
    for (format, name) in [(Format::Text, "text 0.0.4"), (Format::OpenMetrics, "OpenMetrics 1.0")] {
        let once = || {
            let (begin, mut bytes) = (Instant::now(), 0);
            let written = encode_in_chunks(&inputs, format, &mut |chunk| {
                bytes += std::hint::black_box(chunk).len();
                Ok(())
            });
            written.map(|()| begin.elapsed().as_secs_f64() * 1e3)
        };
        let time = Summary::of((0..REPETITIONS / effort.divisor).map(|_| once()).collect::<Result<Vec<_>, _>>()?);
        rows.push(vec![format!("time for {name}, ms"), format!("{time:.1}")]);
        report.target(Target {
            what: format!("encoding 100,000 series as {name}"),
            limit: 80.0,
            measured: time.median,
            digits: 1,
            unit: " ms",
            unresolved: None,
        });
    }
    report.table(&["", ""], &rows);
    Ok(())
}

fn series(inputs: &Inputs) -> usize {
    encode(inputs, Format::Text).lines().filter(|line| !line.starts_with('#')).count()
}

fn inputs(containers: usize) -> Inputs {
    let labels: Vec<Arc<[String]>> = (0..containers).map(labels).collect();
    Inputs {
        settings: Arc::new(Settings { families: probes::families().collect(), ..Settings::default() }),
        snapshot: Arc::new(Snapshot {
            labels: Arc::new(RowLabels {
                identity: vec![
                    IdentityLabel::Namespace,
                    IdentityLabel::Pod,
                    IdentityLabel::Container,
                    IdentityLabel::ContainerId,
                ],
                ..RowLabels::default()
            }),
            subjects: labels.iter().map(|labels| Arc::new(subject(labels))).collect(),
            containers: labels.iter().map(|labels| Arc::new(container(labels))).collect(),
            ..Snapshot::default()
        }),
        internals: Arc::new(Internals::default()),
        process: Process::read(),
        stopwatch: Stopwatch::new(|| Duration::ZERO),
    }
}

fn labels(number: usize) -> Arc<[String]> {
    let id = format!("{number:064x}");
    [format!("namespace-{}", number % 50), format!("pod-{}-5d89bc9b8f-xk2lp", number / 2), "main".to_owned(), id].into()
}

/// A container in which everything has happened.
fn subject(labels: &Arc<[String]>) -> Subject {
    let mut counts = BTreeMap::from([((Kind::Exec, 0), 7), ((Kind::Fork, 0), 123), ((Kind::Thread, 0), 45_678)]);
    for outcome in [Outcome::Success, Outcome::Failure, Outcome::Signal] {
        counts.insert((Kind::Exit, outcome as u32), 9);
    }
    for family in [Family::Ipv4, Family::Ipv6] {
        for (old, new) in (1..=5).flat_map(|old| (1..=5).map(move |new| (old, new))) {
            let transition = Transition { family, protocol: Protocol::Tcp, old, new };
            counts.insert((Kind::SocketState, transition.detail()), 1_234_567);
        }
    }
    let mut edges = BTreeMap::new();
    for number in 1..=15 {
        let detail = signal::detail(number, SignalResult::Delivered as u32);
        counts.insert((Kind::SignalDeliver, detail), 8_901);
        counts.insert((Kind::SignalGenerate, detail), 8_901);
        for sender in ["(kernel)", "main"] {
            let sender = Sender { container: sender.to_owned(), namespace: labels[0].clone() };
            edges.insert((detail, Arc::new(sender)), 4_450);
        }
    }
    Subject { scope: Scope::Container, labels: Arc::clone(labels), created: UNIX_EPOCH, counts, edges }
}

fn container(labels: &Arc<[String]>) -> Container {
    let identity = Identity {
        scope: Scope::Container,
        runtime: Some(Runtime::Containerd),
        container_id: labels[3].clone(),
        image: "registry.example.com/team/application:1.2.3".to_owned(),
        ..Identity::default()
    };
    Container {
        labels: Arc::clone(labels),
        identity: Arc::new(identity),
        cgroup_id: 12_345,
        cgroup_path: format!("/kubepods/burstable/pod01234567-89ab-cdef-0123-456789abcdef/{}", labels[3]),
        started: Some(std::time::SystemTime::now()),
        running: true,
    }
}
