use clap::CommandFactory;

use super::*;
use crate::{
    events::fields::KINDS,
    prerequisites::{Check, Outcome},
};

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn flags_of_run() {
    let line = "doubleslit run --config.file /c --web.listen-address :1 --web.listen-address=:2 --web.telemetry-path /m \
         --web.config.file w.yml --web.systemd-socket --log.level debug --log.format json --config.check";
    let Command::Run(arguments) = parse(line).expect("valid").command else { panic!("another command") };
    assert_eq!(
        format!("{arguments:?}"),
        "Arguments { config: ConfigArguments { config_file: Some(\"/c\") }, config_check: true, \
         listen_addresses: [\":1\", \":2\"], telemetry_path: Some(\"/m\"), \
         web_config_file: Some(\"w.yml\"), systemd_socket: true, log_level: Some(\"debug\"), log_format: Some(\"json\"), pin: false }"
    );
}

#[test]
fn flags_of_watch() {
    for (line, expected) in [
        (
            "doubleslit watch",
            "Arguments { config: ConfigArguments { config_file: None }, events: [], tracepoints: [], raw: false, syscalls: [], select: [], \
             drop: [], containers: [], sample: [], output: Text, color: Auto, \
             arguments: false, working_directory: false, log_level: \"warn\" }",
        ),
        (
            "doubleslit watch --config.file /c --event exec --syscall openat,re* --select comm=sh --drop uid=0 --container web --sample one_in=2 \
             -o logfmt --color never --args --cwd --log.level info --tracepoint block:* --raw",
            "Arguments { config: ConfigArguments { config_file: Some(\"/c\") }, events: [Kinds([Exec])], \
             tracepoints: [Selector { text: \"block:*\", pattern: Pattern(\"block:*\") }], raw: true, syscalls: [\"openat\", \"re*\"], select: [\"comm=sh\"], drop: [\"uid=0\"], containers: [\"web\"], sample: [\"one_in=2\"], output: Logfmt, \
             color: Never, arguments: true, working_directory: true, log_level: \"info\" }",
        ),
    ] {
        let Command::Watch(arguments) = parse(line).expect("valid").command else { panic!("another command") };
        assert_eq!(format!("{arguments:?}"), expected, "{line}");
    }
}

#[test]
fn forms_of_tracepoints() {
    for line in [
        "doubleslit tracepoints",
        "doubleslit tracepoints block:* -o json",
        "doubleslit tracepoints show sched:sched_switch -o json --config.file /c",
    ] {
        assert!(matches!(parse(line).expect(line).command, Command::Tracepoints(_)), "{line}");
    }
}

#[test]
fn forms_of_trace() {
    for line in [
        "doubleslit trace list",
        "doubleslit trace list -o json --socket /s",
        "doubleslit trace --socket /s show a",
        "doubleslit trace delete a b",
        "doubleslit trace tail a --color never",
        "doubleslit trace create --event exec --one-shot -o json",
    ] {
        assert!(matches!(parse(line).expect(line).command, Command::Trace(_)), "{line}");
    }
}

#[test]
fn every_event_can_be_watched() {
    let refusal = parse("doubleslit watch --event walk").expect_err("there is none").to_string();
    for kind in KINDS {
        let name = kind.name();
        assert!(refusal.contains(name), "{name}: {refusal}");
        assert!(parse(&format!("doubleslit watch --event {name}")).is_ok(), "{name}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    for line in [
        "doubleslit",
        "doubleslit walk",
        "doubleslit run --web.port 1",
        "doubleslit check x",
        "doubleslit ns",
        "doubleslit ns 0",
        "doubleslit ns x",
        "doubleslit tracepoints a:b:c",
        "doubleslit tracepoints show",
        "doubleslit tracepoints block:* show sched:sched_switch",
        "doubleslit trace",
        "doubleslit trace delete",
        "doubleslit trace show a b",
        "doubleslit completions",
        "doubleslit completions sh",
        "doubleslit man",
        "doubleslit watch exec",
        "doubleslit watch --event walk",
        "doubleslit watch -o xml",
        "doubleslit watch --color sometimes",
    ] {
        assert_eq!(parse(line).expect_err(line).exit_code(), 2, "{line}");
    }
    for line in ["doubleslit --help", "doubleslit --version", "doubleslit run --help", "doubleslit watch --help"] {
        assert_eq!(parse(line).expect_err(line).exit_code(), 0, "{line}");
    }
}

#[test]
fn without_arguments_there_is_help() {
    let help = parse("doubleslit").expect_err("help").to_string();
    assert!(help.contains("Usage: doubleslit <COMMAND>"), "{help}");
}

#[test]
fn failures_are_one_line() {
    let failure = Failure::Failed(anyhow::anyhow!("cause\nwith a second line").context("effect"));
    assert_eq!(failure.to_string(), "effect: cause with a second line");
    assert_eq!(failure.exit_code(), ExitCode::from(1));
    assert_eq!(Failure::Usage(anyhow::anyhow!("x")).exit_code(), ExitCode::from(2));
}

#[test]
fn a_line_for_each_check() {
    let fail = || Outcome::Fail { found: "it is not there".to_owned(), way_out: "put it there".to_owned() };
    let checks = [
        Check { name: "kernel", required: true, outcome: Outcome::Pass("`6.1`".to_owned()) },
        Check { name: "capabilities", required: true, outcome: fail() },
        Check { name: "docker", required: false, outcome: fail() },
    ];
    assert_eq!(
        check::report(&checks),
        "pass  kernel          `6.1`\n\
         fail  capabilities    it is not there: put it there\n\
         fail  docker          it is not there (optional): put it there\n"
    );
}
