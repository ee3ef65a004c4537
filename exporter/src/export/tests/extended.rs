//! Labels that containers and pods bring along, units, limits, ignored containers, times of creation.

use super::{inputs as usual, *};
use crate::identity::labels::ExtraLabel;

const EXTENDED: &str = include_str!("extended.openmetrics");

/// All that is off by default.
pub(super) fn inputs() -> Inputs {
    let mut config = config();
    config.metrics.created = true;
    config.identity.labels.identity = vec![IdentityLabel::Container];
    config.identity.labels.unit = true;
    config.identity.labels.extra = vec![ExtraLabel { key: "team".to_owned(), label: "team".to_owned() }];
    let families = probes::families().filter(|family| {
        matches!(family.kind, Kind::Exec | Kind::SignalGenerate | Kind::ContainerStart | Kind::SyscallLatency)
    });
    let settings = Arc::new(Settings::new(&config, families));
    let snapshot = Snapshot { labels: config.identity.labels.into(), ignoring: true, ..snapshot() };
    Inputs { settings, snapshot: Arc::new(snapshot), ..usual(Snapshot::default()) }
}

/// Two rows of the host, one container.
fn snapshot() -> Snapshot {
    let kill = signal::detail(9, signal::SignalResult::Delivered as u32);
    let web = ["web _total", "", "red \"1\""];
    let counts = [
        (Kind::SignalGenerate, kill, 3),
        (Kind::SignalGenerate, probes::OTHER_DETAIL, 2),
        (Kind::SyscallTime, 1000, 6000),
        (Kind::SyscallLatency, latency(1000, 3000), 2),
    ];
    let lifecycle = Lifecycle { extra: labels(&web[2..]), ..Lifecycle::clone(&lifecycle("web", 3, 1)) };
    Snapshot {
        subjects: vec![
            subject(Scope::Host, &["", "", ""], &[(Kind::Exec, 0, 7)], &[]),
            subject(Scope::Host, &["", "ssh.service", ""], &[(Kind::Exec, 0, 8)], &[]),
            subject(Scope::Container, &web, &counts, &[(kill, "db", 3), (probes::OTHER_DETAIL, "other", 2)]),
        ],
        lifecycles: vec![Arc::new(lifecycle)],
        containers: vec![container(&web, 77, Some(1_700_000_000_500), true)],
        ignored: per_kind(&[(Kind::Exec, 5)]),
        folded: vec![Folded { metric: "doubleslit_signals_generated", reason: "container_limit", count: 2 }],
        ..Snapshot::default()
    }
}

#[test]
fn extended_openmetrics() {
    compare("extended.openmetrics", EXTENDED, &encode(&inputs(), Format::OpenMetrics));
}

/// The text format has no times of creation: the setting changes nothing.
#[test]
fn text_without_times_of_creation() {
    let inputs = inputs();
    let mut settings = Settings::clone(&inputs.settings);
    settings.created = false;
    let without = Inputs { settings: Arc::new(settings), ..inputs.clone() };
    let text = encode(&inputs, Format::Text);
    assert!(text == encode(&without, Format::Text));
    assert_no_duplicates(&text);
    promtool(&text);
}
