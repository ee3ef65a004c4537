//! The flow of system calls.

use super::{assert_quiet, row, show, text};
use crate::harness::{docker, setup};

#[test]
#[ignore = "needs root, BTF, docker and chromium"]
fn system_calls_flow_through_their_container() {
    let mut a = docker().load("alpha", &[]);
    let (_exporter, browser) = show(&setup().config("probes: {syscall: true}"));
    browser.until(&row("alpha"));
    let labels = "[...document.querySelectorAll('#sankey .label')].map((label) => label.firstChild.textContent)";
    doubleslit_testbed::wait::until("the container is in the picture", || {
        a.load.run("exec 20");
        (browser.run(&format!("return {labels}.includes('alpha') && {labels}.includes('OK')")) == true).then_some(())
    });
    assert!(browser.run("return document.querySelectorAll('#sankey .ribbon').length").as_u64() > Some(2));
    // Without those that succeed, only errors are left.
    browser.run("document.querySelector('#errors-only').click()");
    browser.until(&format!("!{labels}.includes('OK')"));
    assert_quiet(&browser);
}

#[test]
#[ignore = "needs root, BTF and chromium"]
fn without_its_probe_the_page_says_how_to_get_it() {
    let (_exporter, browser) = show(&setup());
    browser.until("!document.querySelector('#flow-note').hidden");
    let note = browser.run(&format!("return {}", text("#flow-note")));
    assert!(note.as_str().is_some_and(|note| note.contains("probes.syscall: true")), "{note}");
    assert_eq!(browser.run("return document.querySelectorAll('#sankey .ribbon').length"), 0);
    assert_quiet(&browser);
}
