//! The live page in a real browser, with real containers.

mod events;
mod flow;
mod many;
mod table;

use doubleslit_testbed::{
    browser::Browser,
    exporter::{Exporter, Setup},
};

/// An exporter, and a browser that shows its page and has seen its containers.
fn show(setup: &Setup) -> (Exporter, Browser) {
    let exporter = setup.start();
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/", exporter.address));
    browser.until("document.querySelector('#status.live') && document.querySelector('#table tbody tr[data-key]')");
    (exporter, browser)
}

/// The row of a container, as an expression.
fn row(name: &str) -> String {
    format!(
        "[...document.querySelectorAll('#table tbody tr[data-key]')]\
         .find((row) => row.querySelector('.called').textContent === '{name}')"
    )
}

/// The text of an element, as an expression.
fn text(selector: &str) -> String {
    format!("document.querySelector('{selector}').textContent")
}

/// Checks that the page wrote nothing to the console.
fn assert_quiet(browser: &Browser) {
    assert_eq!(browser.console(), Vec::<String>::new());
}
