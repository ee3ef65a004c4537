//! The table of containers: it moves, is filtered, is used with keys, and fits.

use doubleslit_testbed::{browser::key, wait};

use super::{assert_quiet, row, show, text};
use crate::harness::{docker, setup};

#[test]
#[ignore = "needs root, BTF, docker and chromium"]
fn a_row_moves_with_the_load_of_its_container() {
    let (mut a, _b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let (mut exporter, browser) = show(&setup());
    browser.until(&row("alpha"));
    let execs = |name: &str| format!("{}.querySelector('.c-exec').textContent", row(name));
    wait::until("the rate of executions is another one", || {
        a.load.run("exec 50");
        let rates = browser.run(&format!("return [{}, {}]", execs("alpha"), execs("beta")));
        // Before there are two answers there is no rate.
        let [moves, rests] = [0, 1].map(|at| !["0", "–"].contains(&rates[at].as_str().expect("a text")));
        assert!(!rests, "{rates}");
        moves.then_some(())
    });
    // All that was counted of it is the number at `/metrics`.
    browser.press("/alpha");
    browser.until(&format!("/^1 of /.test({})", text("#shown")));
    browser.press(key::ENTER);
    browser.press(key::ENTER);
    browser.until("document.querySelector('#detail[open] .counts table')");
    let labels = [("container_id", a.id.as_str())];
    let counted = exporter.scrape().value("doubleslit_process_execs_total", &labels).expect("there is such a row");
    browser.until(&format!(
        "document.querySelector('caption[title=doubleslit_process_execs] + tbody td').textContent.replace(/\\D/g, '') === '{counted}'"
    ));
    assert_eq!(browser.run(&format!("return {}", text("#detail-title"))), "alpha");
    assert!(browser.run(&format!("return {}", text("#detail-facts"))).to_string().contains(&a.id));
    assert_quiet(&browser);
}

#[test]
#[ignore = "needs root, BTF, docker and chromium"]
fn keys_do_what_the_mouse_does() {
    let (_a, _b) = (docker().load("alpha", &[]), docker().load("beta", &[]));
    let (_exporter, browser) = show(&setup());
    browser.until(&format!("{} && {}", row("alpha"), row("beta")));

    browser.press("/alph");
    browser.until(&format!("!{} && {}", row("beta"), row("alpha")));
    browser.press(key::ESCAPE);
    browser.until(&row("beta"));
    browser.press("/nobody is called so");
    browser.until("!document.querySelector('#none').hidden");
    browser.press(key::ESCAPE);

    // In an order that does not change by itself.
    browser.run("document.querySelector('#table thead .name button').click()");
    let selected = "document.querySelector('tr[aria-selected=true]')";
    browser.press("j");
    browser.until(&format!("{selected}.getAttribute('aria-rowindex') === '2'"));
    browser.press(key::DOWN);
    browser.press("j");
    browser.press("k");
    browser.until(&format!("{selected}.getAttribute('aria-rowindex') === '3'"));
    browser.press(key::ENTER);
    browser.until("document.querySelector('#detail').open");
    browser.press(key::ESCAPE);
    browser.until("!document.querySelector('#detail').open");
    browser.press("?");
    browser.until("document.querySelector('#help').open");
    browser.press(key::ESCAPE);

    browser.until("document.querySelector('th.name').getAttribute('aria-sort') === 'ascending'");
    browser.press("r");
    browser.until("document.querySelector('th.name').getAttribute('aria-sort') === 'descending'");
    browser.press("s");
    browser.until("document.querySelector('th.c-all').getAttribute('aria-sort') === 'descending'");

    browser.press("p");
    browser.until("document.querySelector('#status.paused')");
    let asked = "return performance.getEntriesByName(new URL('/-/page/state', location).href).length";
    let before = browser.run(asked);
    // Its own timer would have asked by now.
    assert_eq!(browser.run_async("setTimeout(arguments[0], 2500)"), serde_json::Value::Null);
    assert_eq!(browser.run(asked), before);
    browser.press("p");
    browser.until("document.querySelector('#status.live')");
    assert_quiet(&browser);
}

#[test]
#[ignore = "needs root, BTF, docker and chromium"]
fn it_fits_wide_and_narrow_windows_dark_and_light() {
    let _a = docker().load("alpha", &[]);
    let (_exporter, browser) = show(&setup());
    browser.until(&row("alpha"));
    let mut backgrounds = Vec::new();
    for theme in ["dark", "light"] {
        browser.prefer("prefers-color-scheme", theme);
        browser.until(&format!("document.documentElement.dataset.theme === '{theme}'"));
        backgrounds.push(browser.run("return getComputedStyle(document.body).backgroundColor"));
        for width in [1280, 400] {
            browser.resize(width, 900);
            browser.until(&format!("innerWidth === {width}"));
            // What is drawn follows the window with the next frame.
            browser.until("document.documentElement.scrollWidth === document.documentElement.clientWidth");
            browser.until(&format!("{}.querySelector('.measured').offsetWidth > 30", row("alpha")));
            browser.until(&format!("{}.querySelector('.name').offsetWidth > 60", row("alpha")));
        }
    }
    assert_ne!(backgrounds[0], backgrounds[1]);
    // A choice is kept.
    browser.press("t");
    browser.until("document.documentElement.dataset.theme === 'dark'");
    browser.run("location.reload()");
    browser.until("document.querySelector('#status.live') && document.documentElement.dataset.theme === 'dark'");
    assert_quiet(&browser);
}

#[test]
#[ignore = "needs root, BTF, docker and chromium"]
fn it_goes_on_with_the_next_exporter() {
    let setup = setup();
    let _a = docker().load("alpha", &[]);
    let (exporter, browser) = show(&setup);
    browser.until(&row("alpha"));
    let address = exporter.address;
    exporter.kill();
    browser.until("document.querySelector('#status.reconnecting')");
    let mut exporter = setup.launch(address);
    exporter.await_ready();
    browser.until("document.querySelector('#status.live')");
    browser.until(&row("alpha"));
    // The console tells of the exporter that did not answer, and of nothing else.
    let others: Vec<_> = browser.console().into_iter().filter(|line| !line.contains("net::ERR_")).collect();
    assert_eq!(others, Vec::<String>::new());
}
