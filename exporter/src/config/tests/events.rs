//! The section `events`.

use doubleslit_common::{event::Gate, kind::Kind};

use super::*;
use crate::filter::{List, WrittenRule};

fn events(section: &str) -> Result<Events, String> {
    from_file(&format!("events:\n  {section}\n")).map(|config| config.events)
}

fn list<'a>(name: &'a str, rules: &[&str]) -> List<'a> {
    List { name, rules: rules.iter().map(|rule| WrittenRule::parse(rule, name).expect("a rule")).collect() }
}

#[test]
fn rules_are_maps() {
    let written = r#"select: [{event: exec, comm: [sh, "ba*"], uid: 0}, {container: "!web"}]
  drop: [{container_label.Com.Example/Team: "", uid: "1..1023", tty: true}]"#;
    let expected = Filter::default().and(
        list("events.select", &["event=exec,comm=sh,comm=ba*,uid=0", "container=!web"]),
        list("events.drop", &["container_label.Com.Example/Team=,uid=1..1023,tty=true"]),
    );
    assert_eq!(events(written).map(|events| events.filter), Ok(expected.expect("valid")));
}

#[test]
fn rules_are_texts() {
    let written = r#"select: ["event=exec,comm=sh,comm=ba*", {container: web}]
  sample: ["event=exec,one_in=5"]"#;
    let expected = Filter::default()
        .and(list("events.select", &["event=exec,comm=sh,comm=ba*", "container=web"]), List::default())
        .expect("valid");
    let events = events(written).expect("valid");
    assert_eq!(events.filter, expected);
    assert_eq!(events.sampling.gate(Kind::Exec, 1), Gate { one_in: 5, ..Gate::open(1) });
}

#[test]
fn samples_and_what_is_opted_in() {
    let written = r"sample: [{one_in: 5}, {event: exec, per_second: 100}]
  arguments: {enabled: true, bytes: 4096, redact: ['password=\S+']}
  working_directory: true";
    let events = events(written).expect("valid");
    assert_eq!(events.sampling.gate(Kind::Exec, 1), Gate { per_second: 100, ..Gate::open(1) });
    assert_eq!((events.arguments.enabled, events.arguments.bytes), (true, 4096));
    assert!(events.working_directory);
    assert_eq!(events.arguments.redact.0.iter().map(regex::Regex::as_str).collect::<Vec<_>>(), [r"password=\S+"]);
}

#[test]
fn sections_are_refused() {
    const LIST: &str = "expected a list of rules such as `{event: exec, comm: [sh, bash]}`";
    for (section, expected) in [
        (
            "profile: all",
            "invalid value `all` for `events.profile`: expected one of `default`, `signals-only`, `security`, `network`"
                .to_owned(),
        ),
        ("select: [exec]", "invalid rule `exec` in `events.select`: expected fields and values such as".to_owned()),
        ("select: [7]", format!("invalid value `7` for `events.select`: {LIST}")),
        ("drop: [{comm: {a: b}}]", format!("invalid value `{{…}}` for `events.drop`: {LIST}")),
        ("select: [{container: }]", format!("invalid value `{{…}}` for `events.select`: {LIST}")),
        (
            "select: [{event: exec, comn: sh}]",
            "no field `comn` in rule `comn=sh,event=exec` of `events.select`: expected a name such as `comm`".to_owned(),
        ),
        (
            "drop: [{uid: root}]",
            "invalid value `root` for `uid` in rule `uid=root` of `events.drop`: expected a number such as".to_owned(),
        ),
        ("drop: [{}]", "invalid rule `` in `events.drop`: expected fields and values such as".to_owned()),
        ("drop: [{comm: []}]", "invalid rule `` in `events.drop`: expected fields and values such as".to_owned()),
        (
            "sample: [{event: exec}]",
            "no field `one_in` in rule `event=exec` of `events.sample`: expected either `one_in` or `per_second`"
                .to_owned(),
        ),
        (
            "ring_bytes: 100000",
            "invalid value `100000` for `events.ring_bytes`: expected a power of two from `65536` to `1073741824`"
                .to_owned(),
        ),
        (
            "arguments: {bytes: 0}",
            "invalid value `0` for `events.arguments.bytes`: expected a number from `1` to `16384`".to_owned(),
        ),
        (
            "working_directory: maybe",
            "invalid value `maybe` for `events.working_directory`: expected `true` or `false`".to_owned(),
        ),
        (
            "arguments: {redact: ['(']}",
            "invalid value `(` for `events.arguments.redact`: expected regular expressions: unclosed group".to_owned(),
        ),
    ] {
        let refused = events(section).expect_err(section);
        assert!(refused.starts_with(&expected), "{section}: {refused}");
    }
}

/// The blocks of YAML in a document.
fn blocks(document: &str) -> Vec<&str> {
    document.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next()).collect()
}

#[test]
fn the_documented_sections_make_sense() {
    let blocks = [
        blocks(include_str!("../../../../docs/filters.md")),
        // The other block is a collector's.
        blocks(include_str!("../../../../docs/otlp.md"))[..1].to_vec(),
    ];
    assert_eq!(blocks.each_ref().map(Vec::len), [5, 1]);
    for block in blocks.concat() {
        assert!(from_file(block).is_ok_and(|config| config.events != defaults().events), "{block}");
    }
}
