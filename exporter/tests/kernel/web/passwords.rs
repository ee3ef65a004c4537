//! Passwords.

use doubleslit_testbed::{
    exporter::run,
    password::{HASH, NOBODY, QUICK, RIGHT, WRONG},
    wait,
};

use super::target::{Place, get, refused, scrape, status};
use crate::harness::BINARY;

#[test]
#[ignore = "needs root and BTF"]
fn nothing_is_told_without_one() {
    let place = Place::new();
    let exporter = place.serve(&format!("basic_auth_users:\n  prometheus: {HASH}\n"), "");
    let paths = ["/", "/metrics", "/-/healthy", "/-/ready", "/-/page/state", "/-/page/events", "/nothing", "//metrics"];
    for path in paths {
        let mut answers = Vec::new();
        for headers in [&[][..], &[WRONG], &[NOBODY], &[("Authorization", "Bearer abc")]] {
            let answer = get(exporter.address, None, path, headers).expect("an answer");
            let headers: Vec<_> = answer.headers.into_iter().filter(|(name, _)| name != "date").collect();
            answers.push((answer.status, headers, answer.body));
        }
        assert_eq!(answers[0].0, 401, "{path}");
        let challenge = ("www-authenticate".to_owned(), "Basic realm=\"doubleslit\", charset=\"UTF-8\"".to_owned());
        assert!(answers[0].1.contains(&challenge) && answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
    assert_eq!(status(&exporter, "/metrics", &[RIGHT]), 200);
    assert_eq!(status(&exporter, "/nothing", &[RIGHT]), 404);
    let after = scrape(exporter.address, None, &[RIGHT]);
    assert_eq!((refused(&after, "no_password"), refused(&after, "wrong_password")), (16.0, 16.0));
    assert_eq!(after.value("doubleslit_web_config_last_reload_successful", &[]), Some(1.0));
}

#[test]
#[ignore = "needs root and BTF"]
fn a_file_that_changes_never_opens_the_door() {
    let place = Place::new();
    let users = |user: &str| format!("basic_auth_users:\n  {user}: {HASH}\n");
    let exporter = place.serve(&users("prometheus"), "");
    let asked = |headers| status(&exporter, "/metrics", headers);
    assert_eq!((asked(&[RIGHT]), asked(&[NOBODY]), asked(&[])), (200, 401, 401));
    place.write(&users("nobody"));
    assert_eq!((asked(&[RIGHT]), asked(&[NOBODY]), asked(&[])), (401, 200, 401));
    for text in
        ["", "basic_auth_users:\n", "http_server_config: {headers: {}}\n", "basic_auth_users: {nobody: abc}\n", "["]
    {
        place.write(text);
        assert_eq!((asked(&[RIGHT]), asked(&[NOBODY]), asked(&[])), (401, 200, 401), "{text}");
        let told = scrape(exporter.address, None, &[NOBODY]);
        assert_eq!(told.value("doubleslit_web_config_last_reload_successful", &[]), Some(0.0));
    }
    let log = exporter.log();
    assert!(log.contains("has users no more, and that takes a restart"), "{log}");
    assert_eq!(log.matches("what it said before stays").count(), 3, "{log}");
    place.write(&users("prometheus"));
    assert_eq!((asked(&[RIGHT]), asked(&[NOBODY])), (200, 401));
}

#[test]
#[ignore = "needs root and BTF"]
fn one_that_makes_no_sense_ends_the_start() {
    let place = Place::new();
    place.write("basic_auth_users:\n  alice: secret\n");
    let file = place.file();
    for arguments in [&["run", "--config.check", "--web.config.file"][..], &["run", "--web.config.file"]] {
        let (status, _, told) = run(BINARY.as_ref(), &[arguments, &[file.to_str().expect("text")]].concat());
        assert_eq!(status.code(), Some(2), "{told}");
        let last = told.lines().last().unwrap_or_default();
        let reason =
            "line 2: the value of `basic_auth_users.alice` does not fit: expected a password hashed with bcrypt";
        assert!(last.contains(reason) && !told.contains("secret"), "{told}");
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn whoever_has_one_sees_single_events_elsewhere_too() {
    let place = Place::new();
    let users = format!("basic_auth_users:\n  prometheus: {HASH}\n  other: {QUICK}\n");
    let port = doubleslit_testbed::exporter::free_address().port();
    // Not of the loopback interface alone.
    let exporter = place.serve(&users, "");
    drop(exporter);
    let file = place.file();
    let mut exporter = doubleslit_testbed::exporter::Setup::new(BINARY)
        .arguments(&[&format!("--web.listen-address=:{port}"), "--web.config.file", file.to_str().expect("text")])
        .launch(([127, 0, 0, 1], doubleslit_testbed::exporter::free_address().port()).into());
    let address = ([127, 0, 0, 1], port).into();
    wait::until("it serves", || get(address, None, "/-/ready", &[RIGHT]).ok().filter(|answer| answer.status == 200));
    assert!(exporter.log().contains("passwords are sent in clear text"), "{}", exporter.log());
    let state = get(address, None, "/-/page/state", &[RIGHT]).expect("an answer").text();
    assert!(state.contains("\"events\":true"), "{state}");
    assert_eq!(get(address, None, "/-/page/events?event=x", &[RIGHT]).expect("an answer").status, 400);
    assert_eq!(get(address, None, "/-/page/events?event=x", &[]).expect("an answer").status, 401);
    exporter.signal(libc::SIGTERM);
    assert!(exporter.await_end().success());
}
