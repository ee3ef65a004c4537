//! What becomes of a reload, and who is told.

use std::{fs, path::Path, process::Command};

use doubleslit_testbed::{
    exporter::{Exporter, free_address, run},
    shell, wait,
};

use super::{changed, reload, take_over, with};
use crate::harness::{BINARY, setup};

/// Whether the last reload was successful, and when one was.
fn outcome(exporter: &mut Exporter) -> (f64, f64) {
    let scrape = exporter.scrape();
    let of = |name: &str| scrape.sum(&format!("doubleslit_config_last_reload_{name}"), &[]);
    (of("successful"), of("success_timestamp_seconds"))
}

/// A message without the name of the file, which is another one for each exporter.
fn without_file(message: &str) -> String {
    message.split('`').filter(|part| !part.contains("/config.yaml")).collect::<Vec<_>>().join("`")
}

#[test]
#[ignore = "needs root and BTF"]
fn what_is_wrong_or_takes_a_restart_changes_nothing() {
    let mut exporter = with("").start();
    let (successful, mut last) = outcome(&mut exporter);
    assert!(successful == 1.0 && last > 1e9);
    let debug = with("log: {level: debug}");
    assert_eq!(take_over(&exporter, &debug), changed(&["`log.level` was `info` and is `debug`"]));
    for (lines, expected) in [
        ("log: {level: loud}", "invalid value `loud` for `log.level`: expected one of"),
        ("limit: {}", "unknown key `limit` in "),
        ("limits: [", "parsing the configuration "),
        (
            "web: {telemetry_path: /m}\nlog: {level: warn}",
            "`web.telemetry_path` was `/metrics` and is `/m`: restart to apply; nothing was changed",
        ),
        (
            "probes: {tcp: false}\nmaps: {counts: 7}",
            "`maps.counts` was `65536` and is `7`, `probes.tcp` was `true` and is `false`: restart to apply; nothing was changed",
        ),
    ] {
        let (successful, time) = outcome(&mut exporter);
        assert!(successful == 1.0 && time >= last, "{time} after {last}");
        last = time;
        let wrong = with(lines);
        let (status, problem) = reload(&exporter, &wrong);
        let detail = problem["detail"].as_str().expect("a text");
        assert!(status == 422 && detail.starts_with(expected), "{status}: {detail}");
        assert_eq!(outcome(&mut exporter), (0.0, last), "{lines}");
        assert!(exporter.log().contains(detail), "{detail} is not in {}", exporter.log());
        if !detail.contains("restart") {
            let mut start = wrong.launch(free_address());
            assert_eq!(start.await_end().code(), Some(2));
            let log = start.log();
            let said = log.trim_end().strip_prefix("doubleslit: ").expect("it says why");
            assert_eq!(without_file(said), without_file(detail), "the start says the same");
        }
        assert_eq!(take_over(&exporter, &debug), changed(&[]), "nothing of it applies");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn a_file_that_is_gone_has_nothing_change() {
    let mut exporter = with("").start();
    let file = format!("/proc/{}/cmdline", exporter.pid());
    let arguments = fs::read_to_string(file).expect("the exporter runs");
    let file = arguments.split('\0').find_map(|word| word.strip_prefix("--config.file=")).expect("it has a file");
    fs::remove_file(file).expect("it is there");
    let expected = format!("doubleslit: reading the configuration `{file}`: No such file or directory (os error 2)\n");
    assert_eq!(command(&exporter.socket), (Some(1), String::new(), expected));
    assert_eq!(outcome(&mut exporter).0, 0.0);
    assert_eq!(take_over(&exporter, &with("")), changed(&[]));
    assert_eq!(outcome(&mut exporter).0, 1.0);
}

/// `doubleslit reload`: its exit code and what it printed.
fn command(socket: &Path) -> (Option<i32>, String, String) {
    let (status, output, errors) =
        run(Path::new(BINARY), &["reload", "--socket", socket.to_str().expect("a path of text")]);
    (status.code(), output, errors)
}

#[test]
#[ignore = "needs root and BTF"]
fn by_signal_and_by_command() {
    let mut exporter = with("").start();
    exporter.rewrite(&with("limits: {series_per_family: 7}"));
    let expected = "`limits.series_per_family` was `100000` and is `7`\n";
    assert_eq!(command(&exporter.socket), (Some(0), expected.to_owned(), String::new()));
    assert_eq!(command(&exporter.socket), (Some(0), "nothing has changed\n".to_owned(), String::new()));
    exporter.rewrite(&with("limits: {series_per_family: many}"));
    exporter.signal(libc::SIGHUP);
    wait::until("the signal is heard", || (outcome(&mut exporter).0 == 0.0).then_some(()));
    exporter.rewrite(&with("log: {level: debug, format: json}"));
    exporter.signal(libc::SIGHUP);
    wait::until("the signal is heard", || (outcome(&mut exporter).0 == 1.0).then_some(()));
    // Lines have the form that is configured now.
    exporter.signal(libc::SIGHUP);
    let is_json = |line: &str| line.starts_with("{\"timestamp\"") && line.contains("read the configuration again");
    wait::until("a line in JSON", || exporter.log().lines().any(is_json).then_some(()));
    let socket = exporter.socket.clone();
    let (status, _, log) = exporter.stop();
    assert!(status.success(), "{log}");
    let (code, _, errors) = command(&socket);
    assert!(code == Some(1) && errors.starts_with("doubleslit: cannot reach an exporter at "), "{errors}");
}

#[test]
#[ignore = "needs root and BTF"]
fn signals_from_the_first_moment_on_end_nothing() {
    let mut exporter = setup().launch(free_address());
    // Before it hears of signals, one ends it as it does any process.
    let mask = || {
        let status = fs::read_to_string(format!("/proc/{}/status", exporter.pid())).expect("it runs");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a line");
        u64::from_str_radix(caught.trim(), 16).expect("a mask")
    };
    wait::until("it hears of signals", || (mask() >> (libc::SIGHUP - 1) & 1 == 1).then_some(()));
    for _ in 0..20 {
        exporter.signal(libc::SIGHUP);
    }
    exporter.await_ready();
    let begun = outcome(&mut exporter);
    assert_eq!(begun.0, 1.0);
    let read = |exporter: &Exporter| exporter.log().matches("read the configuration again").count();
    wait::until("it was asked", || (read(&exporter) > 0).then_some(()));
    let (status, _, log) = exporter.stop();
    assert!(status.success(), "{log}");
}

#[test]
#[ignore = "needs root and BTF"]
fn who_only_scrapes_is_told_where_to_ask() {
    let mut exporter = with("").start();
    let answer = exporter.get("/-/reload", &[]);
    assert_eq!(answer.status, 403);
    let text = answer.text();
    assert!(text.contains("SIGHUP") && text.contains("doubleslit reload"), "{text}");
    let address = exporter.address;
    let mut curl = Command::new("curl");
    curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST"]).arg(format!("http://{address}/-/reload"));
    assert_eq!(shell::output(&mut curl).stdout, b"403");
    assert!(!exporter.log().contains("read the configuration again"));
}

#[test]
#[ignore = "needs root and BTF"]
fn many_at_once_come_one_after_the_other() {
    let mut exporter = with("").start();
    exporter.rewrite(&with("retention: {grace: 7s}"));
    let outputs = std::thread::scope(|scope| {
        let asking = [(); 12].map(|()| scope.spawn(|| command(&exporter.socket)));
        asking.map(|asked| asked.join().expect("it is answered"))
    });
    assert!(outputs.iter().all(|(code, _, errors)| *code == Some(0) && errors.is_empty()), "{outputs:?}");
    let changes = outputs.iter().filter(|(_, output, _)| output == "`retention.grace` was `5m` and is `7s`\n").count();
    let nothing = outputs.iter().filter(|(_, output, _)| output == "nothing has changed\n").count();
    assert_eq!((changes, nothing), (1, 11), "{outputs:?}");
    assert_eq!(outcome(&mut exporter).0, 1.0);
}
