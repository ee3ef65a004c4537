//! Single events on the page.

use std::{fs, process::Command};

use doubleslit_testbed::{browser::Browser, static_binary};
use tempfile::TempDir;

use super::{assert_quiet, show, text};
use crate::harness::{docker, setup};

/// Watches with these rules.
fn watch(browser: &Browser, select: &str, drop: &str) {
    let fill = format!(
        "document.querySelector('#select').value = '{select}'; document.querySelector('#drop').value = '{drop}'"
    );
    browser.run(&format!("{fill}; document.querySelector('#rules').requestSubmit()"));
}

/// How many lines have these words, as an expression.
fn lines(words: &str) -> String {
    format!("[...document.querySelectorAll('#log li')].filter((line) => line.textContent.includes('{words}')).length")
}

#[test]
#[ignore = "needs root, BTF, docker and chromium"]
fn events_of_the_rules_are_shown_and_no_others() {
    let (mut a, mut b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let (_exporter, browser) = show(&setup());
    watch(&browser, "event=exec,container=alpha; event=exit,container=*", "container=beta");
    browser.until(&format!("{} === 'live'", text("#stream-state")));
    b.load.run("exec 5");
    a.load.run("exec 5");
    browser.until(&format!("{} === 5 && {} >= 5", lines(" exec"), lines(" exit")));
    assert_eq!(browser.run(&format!("return {}", lines("beta"))), 0);
    assert_eq!(
        browser.run(&format!("return {}", lines("alpha"))),
        browser.run("return document.querySelectorAll('#log li').length")
    );

    // Another rule begins another stream; one that makes no sense is told.
    watch(&browser, "event=nothing", "");
    browser.until("!document.querySelector('#rule-error').hidden");
    let problem = browser.run(&format!("return {}", text("#rule-error")));
    assert!(problem.as_str().is_some_and(|problem| problem.contains("nothing")), "{problem}");
    let console = browser.console();
    assert!(console.iter().all(|line| line.contains("status of 400")), "{console:?}");
    watch(&browser, "event=exec", "container=alpha");
    browser.until("document.querySelector('#rule-error').hidden");
    b.load.run("exec 3");
    browser.until(&format!("{} === 3", lines("beta")));
    assert_quiet(&browser);
}

#[test]
#[ignore = "needs root, BTF and chromium"]
fn what_is_executed_is_no_part_of_the_page() {
    let directory = TempDir::new().expect("a directory can be made");
    let program = directory.path().join("<img src=x onerror=alert(1)>");
    fs::copy(static_binary::load(), &program).expect("a copy");
    let (_exporter, browser) = show(&setup());
    watch(&browser, "event=exec,path=*onerror*", "");
    browser.until(&format!("{} === 'live'", text("#stream-state")));
    let status = Command::new(&program).args(["exec", "0"]).status().expect("it runs");
    assert!(status.success());
    browser.until(&format!("{} === 1", lines("<img src=x onerror=alert(1)>")));
    assert_eq!(browser.run("return document.querySelectorAll('#log img, #log script').length"), 0);
    assert_quiet(&browser);
}

#[test]
#[ignore = "needs root, BTF and chromium"]
fn the_configuration_can_refuse_them() {
    let (mut exporter, browser) = show(&setup().config("web: {live_events: never}"));
    browser.until("document.querySelector('#rules').hidden && !document.querySelector('#rule-error').hidden");
    let told = browser.run(&format!("return {}", text("#rule-error")));
    assert!(told.as_str().is_some_and(|told| told.contains("web.live_events: always")), "{told}");
    assert_eq!(exporter.get("/-/page/events", &[]).status, 403);
    assert_quiet(&browser);
}
