//! Chromium without a window, driven by WebDriver (https://www.w3.org/TR/webdriver2/). Nothing of it asks anybody but whom a
//! test tells it to.

use std::{
    io,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http::{Connection, Response},
    port::Port,
    wait, watchdog,
};

/// What keeps it from what it does unasked, and lets root run it.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--proxy-server=direct://",
];

/// Where chromedriver takes commands of the DevTools protocol, in a session.
const DEVTOOLS: &str = "/goog/cdp/execute";

/// Keys as WebDriver writes them.
pub mod key {
    /// Enter.
    pub const ENTER: &str = "\u{e007}";
    /// Escape.
    pub const ESCAPE: &str = "\u{e00c}";
    /// Arrow down.
    pub const DOWN: &str = "\u{e015}";
}

/// A browser with one page. It ends when this is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    profile: TempDir,
    _port: Port,
}

impl Browser {
    /// Starts it with a window of this size.
    #[must_use]
    pub fn start(width: u32, height: u32) -> Self {
        watchdog::feed();
        let profile = TempDir::with_prefix("ds-browser-").expect("a directory can be made");
        let port = Port::reserve();
        let address = port.address;
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run chromedriver: {error}; scripts/setup-test-browser installs it"));
        let mut browser = Self { driver, address, session: String::new(), profile, _port: port };
        wait::until("chromedriver answers", || Connection::open(address).ok());
        let data = format!("--user-data-dir={}", browser.profile.path().display());
        let size = format!("--window-size={width},{height}");
        let flags: Vec<_> = FLAGS.iter().copied().chain([data.as_str(), size.as_str()]).collect();
        let capabilities = json!({"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"},
        }});
        let session = browser.post("/session", &json!({"capabilities": capabilities}));
        let id = session["sessionId"].as_str().expect("a session has an id");
        browser.session = format!("/session/{id}");
        browser.resize(width, height);
        browser
    }

    /// Goes to a page and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.command("/url", &json!({"url": url}));
    }

    /// Has what the page shows be of this size.
    pub fn resize(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Has the page know what its user prefers, such as `prefers-color-scheme`.
    pub fn prefer(&self, feature: &str, value: &str) {
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": [{"name": feature, "value": value}]}));
    }

    /// What a script returns, which is the body of a function.
    pub fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The same for a script that ends when it calls its last argument.
    #[must_use]
    pub fn run_async(&self, script: &str) -> Value {
        self.command("/execute/async", &json!({"script": script, "args": []}))
    }

    /// Waits until an expression is true.
    pub fn until(&self, expression: &str) {
        wait::until(expression, || (self.run(&format!("return Boolean({expression})")) == true).then_some(()));
    }

    /// Presses keys, one after the other.
    pub fn press(&self, keys: &str) {
        let presses = keys.chars().flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})));
        let actions: Vec<_> = presses.collect();
        self.command("/actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// What the page has written to the console since the last time, errors of the network among it. What the browser's own first page
    /// writes is left out.
    #[must_use]
    pub fn console(&self) -> Vec<String> {
        let lines = self.command("/se/log", &json!({"type": "browser"}));
        let lines = lines.as_array().expect("a list of lines");
        let own = |line: &&Value| !line["message"].as_str().is_some_and(|message| message.starts_with("chrome://"));
        lines.iter().filter(own).map(|line| format!("{}: {}", line["level"], line["message"])).collect()
    }

    /// A picture of what is shown: a PNG in base64.
    #[must_use]
    pub fn picture(&self) -> String {
        let shot = self.devtools("Page.captureScreenshot", &json!({"format": "png", "optimizeForSpeed": false}));
        shot["data"].as_str().expect("a picture").to_owned()
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.command(DEVTOOLS, &json!({"cmd": command, "params": parameters}))
    }

    fn command(&self, path: &str, parameters: &Value) -> Value {
        self.post(&format!("{}{path}", self.session), parameters)
    }

    fn post(&self, path: &str, parameters: &Value) -> Value {
        let answer = self.send(path, parameters).unwrap_or_else(|error| panic!("{path} {parameters}: {error}"));
        let mut body: Value = serde_json::from_slice(&answer.body).expect("chromedriver answers with JSON");
        assert_eq!(answer.status, 200, "{path} {parameters}: {body}");
        body["value"].take()
    }

    fn send(&self, path: &str, parameters: &Value) -> io::Result<Response> {
        let headers = [("Content-Type", "application/json")];
        Connection::open(self.address)?.post(path, &headers, parameters.to_string().as_bytes())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // It may be gone before it has answered.
            drop(self.send(&format!("{}{DEVTOOLS}", self.session), &json!({"cmd": "Browser.close", "params": {}})));
        }
        // The browser ends with it.
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
