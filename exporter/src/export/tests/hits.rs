//! Hits of tracepoints, whose labels are those that the configuration asks for.

use super::{inputs as usual, *};
use crate::tracepoints::{
    hits::Hits,
    name::Name,
    select::{Split, Tracepoint},
};

#[test]
fn rows_of_tracepoints() {
    let tracepoint = |name: &str, by: &[&str]| Tracepoint {
        name: Name { category: "c".to_owned(), name: name.to_owned() },
        id: 1,
        by: by.iter().map(|field| Split::unsigned(field)).collect(),
        named: true,
    };
    let hits = Hits::of(vec![tracepoint("plain", &[]), tracepoint("split", &["sig"])]);
    let nine = hits.detail(1, [9, 0, 0]);
    let hit = |detail, count| (Kind::Tracepoint, detail, count);
    let web = ["", "", "web", "abc"];
    let snapshot = Snapshot {
        subjects: vec![
            subject(Scope::Host, &["", "", "", ""], &[hit(0, 3)], &[]),
            // The second and the third have the same labels: neither knows the value.
            subject(
                Scope::Container,
                &web,
                &[hit(nine, 4), hit(1, 5), hit(1025, 6), hit(probes::OTHER_DETAIL, 7)],
                &[],
            ),
        ],
        counted: per_kind(&[(Kind::Tracepoint, 25)]),
        ..Snapshot::default()
    };
    let settings = Settings { hits: Some(Arc::new(hits)), ..Settings::new(&config(), []) };
    let inputs = Inputs { settings: Arc::new(settings), ..usual(snapshot) };
    let text = encode(&inputs, Format::Text);
    let lines: Vec<_> = text.lines().filter(|line| line.contains("tracepoint")).collect();
    assert_eq!(
        lines,
        [
            "# HELP doubleslit_tracepoint_hits_total Hits of tracepoints that the configuration names, by the container whose \
             task was running.",
            "# TYPE doubleslit_tracepoint_hits_total counter",
            r#"doubleslit_tracepoint_hits_total{namespace="",pod="",container="",container_id="",tracepoint="c:plain",field_sig=""} 3"#,
            r#"doubleslit_tracepoint_hits_total{namespace="",pod="",container="web",container_id="abc",tracepoint="c:split",field_sig="9"} 4"#,
            r#"doubleslit_tracepoint_hits_total{namespace="",pod="",container="web",container_id="abc",tracepoint="c:split",field_sig="other"} 11"#,
            r#"doubleslit_tracepoint_hits_total{namespace="",pod="",container="web",container_id="abc",tracepoint="other",field_sig="other"} 7"#,
            r#"doubleslit_events_counted_total{event="tracepoint"} 25"#,
            r#"doubleslit_events_retired_total{event="tracepoint"} 0"#,
        ]
    );
    promtool(&text);
}
