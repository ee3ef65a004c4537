//! Labels of rows, rules of who is ignored, limits.

use super::*;
use crate::identity::{
    ignore::{Field, Pattern, Rule},
    labels::ExtraLabel,
};

const EXTRA: &str = "identity.extra_labels";

#[test]
fn extra_labels_get_names_that_metrics_can_have() {
    let file = "identity: {extra_labels: [team, app.kubernetes.io/name, 1st, ' Größe '], unit: true}";
    let labels = from_file(file).expect("valid").identity.labels;
    let extra =
        [("team", "team"), ("app.kubernetes.io/name", "app_kubernetes_io_name"), ("1st", "_1st"), ("Größe", "Gr__e")];
    let extra = extra.map(|(key, label)| ExtraLabel { key: key.to_owned(), label: label.to_owned() });
    assert_eq!(labels.extra, extra);
    assert!(labels.unit);
    assert_eq!(
        labels.names().collect::<Vec<_>>(),
        ["namespace", "pod", "container", "container_id", "unit", "team", "app_kubernetes_io_name", "_1st", "Gr__e"]
    );
    let variables = [("DOUBLESLIT_IDENTITY__EXTRA_LABELS", "team,app")];
    let labels = with("", &variables, &Flags::default()).expect("valid").identity.labels;
    assert_eq!(labels.extra.iter().map(|label| label.key.as_str()).collect::<Vec<_>>(), ["team", "app"]);
}

#[test]
fn extra_labels_must_not_be_taken_for_others() {
    for (written, shown, why) in [
        ("[pod]", "pod", "`pod` is a label of the identity"),
        ("[image]", "image", "`image` is a label of the identity"),
        ("[container.id]", "container.id", "`container_id` is a label of the identity"),
        ("[unit]", "unit", "`unit` is a label of the identity"),
        ("[signal]", "signal", "`signal` is a label of `doubleslit_signals_delivered_total`"),
        ("[outcome]", "outcome", "`outcome` is a label of `doubleslit_process_exits_total`"),
        ("[old-state]", "old-state", "`old_state` is a label of `doubleslit_socket_state_transitions_total`"),
        ("[qos]", "qos", "`qos` is a label of `doubleslit_container_info`"),
        (
            "[container_label_com_docker_compose_service]",
            "container_label_com_docker_compose_service",
            "`container_label_com_docker_compose_service` is a label of `doubleslit_container_info`",
        ),
        ("[sender.team]", "sender.team", "`sender_team` begins like the labels of a signal's sender"),
        ("[__name__]", "__name__", "`__name__` means something to Prometheus"),
        ("[le]", "le", "`le` means something to Prometheus"),
        ("[a.b, a-b]", "a-b", "`a_b` is `a.b` as a metric label"),
        ("[team, team]", "team", "`team` is `team` as a metric label"),
    ] {
        assert_eq!(
            from_file(&format!("identity: {{extra_labels: {written}}}")),
            Err(format!("invalid value `{shown}` for `{EXTRA}`: expected names that are free as metric labels: {why}"))
        );
    }
    assert_eq!(
        from_file("identity: {extra_labels: ['']}"),
        Err(format!("invalid value `` for `{EXTRA}`: expected the name of a label of containers or pods"))
    );
}

#[test]
fn rules_of_who_is_ignored() {
    let file = "ignore:\n  - container: load-*\n  - {label: doubleslit.io/ignore=true, namespace: batch}\n  - image: '*'\n  - pod: 7\n";
    let pattern = |text: &str| Pattern::new(text).expect("a pattern");
    assert_eq!(
        from_file(file).expect("valid").ignore,
        Ignore(vec![
            Rule(vec![(Field::Container, pattern("load-*"))]),
            Rule(vec![
                (Field::Label("doubleslit.io/ignore".to_owned()), pattern("true")),
                (Field::Namespace, pattern("batch")),
            ]),
            Rule(vec![(Field::Image, pattern("*"))]),
            Rule(vec![(Field::Pod, pattern("7"))]),
        ])
    );
}

#[test]
fn rules_are_refused() {
    const RULES: &str = "a list of rules such as `{container: load-*}`";
    const FIELDS: &str = "rules of `container`, `image`, `label`, `namespace`, `pod`";
    const PATTERN: &str =
        "a pattern such as `load-*`: not empty, `*` for any text, none of `?`, `[`, `]`, `{`, `}`, `\\`";
    const LABEL: &str = "a label's name and a pattern such as `doubleslit.io/ignore=true`";
    for (written, shown, key, expected) in [
        ("yes", "yes", "ignore", "a list"),
        ("{container: a}", "{…}", "ignore", "a list"),
        ("[load]", "load", "ignore", RULES),
        ("[[load]]", "[…]", "ignore", RULES),
        ("[{container: [a]}]", "{…}", "ignore", RULES),
        ("[{container: {a: b}}]", "{…}", "ignore", RULES),
        ("[{container: }]", "{…}", "ignore", RULES),
        ("[{}]", "{}", "ignore", FIELDS),
        ("[{name: a}]", "name", "ignore", FIELDS),
        ("[{container: ''}]", "", "ignore.container", PATTERN),
        ("[{container: 'load-?'}]", "load-?", "ignore.container", PATTERN),
        ("[{namespace: '[ab]'}]", "[ab]", "ignore.namespace", PATTERN),
        ("[{label: team}]", "team", "ignore.label", LABEL),
        ("[{label: =a}]", "=a", "ignore.label", LABEL),
        ("[{label: team=}]", "team=", "ignore.label", PATTERN),
    ] {
        assert_eq!(
            from_file(&format!("ignore: {written}")),
            Err(format!("invalid value `{shown}` for `{key}`: expected {expected}"))
        );
    }
    let error = with("", &[("DOUBLESLIT_IGNORE", "load")], &Flags::default()).expect_err("only the file has rules");
    assert!(error.starts_with("unknown environment variable `DOUBLESLIT_IGNORE`: expected one of `"), "{error}");
}

#[test]
fn limits_and_times_of_creation() {
    let config =
        from_file("limits: {series_per_family: 0, series_per_container: 7}\nmetrics: {created: true}").expect("valid");
    assert_eq!(config.limits, Limits { series_per_family: 0, series_per_container: 7 });
    assert_eq!(config.metrics, Metrics { created: true });
}
