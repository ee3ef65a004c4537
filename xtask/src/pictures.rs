//! Pictures of the live page for the documentation: a real exporter, real containers with different loads, a real browser.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use doubleslit_testbed::{
    browser::Browser,
    docker::{Docker, Hierarchy},
    exporter::Setup,
    markdown,
    remote::Remote,
};

use crate::build::tools;

/// Containers, and what each does again and again.
const CONTAINERS: [(&str, &[&str]); 6] = [
    ("web", &["connect 127.0.0.1 80 9", "sleep 110"]),
    ("checkout", &["exec 6", "connect 127.0.0.1 80 2", "sleep 240"]),
    ("worker", &["exec 14", "exit 1 2", "sleep 700", "exec 3", "sleep 500"]),
    ("cron", &["sleep 4000", "exec 45", "die 15 2"]),
    ("cache", &["calls", "sleep 60"]),
    ("mailer", &["connect-refused 127.0.0.1 25 3", "open-missing 1 40", "sleep 900"]),
];

/// How long the loads run before the page is shown to a camera: its lines tell of a minute.
const WARM_UP: Duration = Duration::from_secs(62);

pub(crate) fn run() -> Result<()> {
    let docker = Docker::start(Hierarchy::Host);
    let containers: Vec<_> = CONTAINERS.iter().map(|(name, _)| docker.load(name, &[])).collect();
    let binary = tools()?.exporter;
    let root = docker.data_root();
    let setup = Setup::new(binary)
        .config(&format!("identity: {{docker_root: \"{}\"}}", root.display()))
        .config("probes: {syscall: true}\nsyscalls: {select: [{container: \"*\"}], drop: [{container: \"\"}]}");
    let exporter = setup.start();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for (container, (_, commands)) in containers.into_iter().zip(CONTAINERS) {
            let stop = &stop;
            scope.spawn(move || {
                let mut container = container;
                repeat(&mut container.load, commands, stop);
            });
        }
        let result = photograph(&format!("http://{}/", exporter.address));
        stop.store(true, Ordering::Relaxed);
        result
    })
}

fn repeat(load: &mut Remote, commands: &[&str], stop: &AtomicBool) {
    if commands.iter().any(|command| command.starts_with("connect 127.0.0.1 80")) {
        load.run("listen 127.0.0.1 80");
    }
    while !stop.load(Ordering::Relaxed) {
        for command in commands {
            load.run(command);
        }
    }
}

fn photograph(url: &str) -> Result<()> {
    let browser = Browser::start(1280, 1240);
    browser.open(url);
    browser.until("document.querySelector('#status.live') && document.querySelector('#table tbody tr[data-key]')");
    let watch = "document.querySelector('#select').value = 'event=exec; event=exit,container=worker; event=signal,signal=SIGTERM'; \
        document.querySelector('#rules').requestSubmit()";
    browser.run(watch);
    thread::sleep(WARM_UP);
    for theme in ["dark", "light"] {
        browser.prefer("prefers-color-scheme", theme);
        browser.until(&format!("document.documentElement.dataset.theme === '{theme}'"));
        save(&browser, &format!("page-{theme}.png"))?;
    }
    browser.resize(400, 860);
    browser
        .until("innerWidth === 400 && document.documentElement.scrollWidth === document.documentElement.clientWidth");
    save(&browser, "page-narrow.png")
}

fn save(browser: &Browser, name: &str) -> Result<()> {
    let path = markdown::root().join("docs/images").join(name);
    let picture = BASE64_STANDARD.decode(browser.picture()).context("the browser's picture is no base64")?;
    fs::write(&path, picture).with_context(|| format!("cannot write `{}`", path.display()))?;
    eprintln!("wrote {}", path.display());
    Ok(())
}
