//! Containers that are ignored: none of their events is shown, and each is accounted for.

use std::path::Path;

use doubleslit_testbed::watch::Watch;
use serde_json::Value;

use super::{config, flood::told, text};
use crate::harness::{BINARY, docker};

#[test]
#[ignore = "needs root and BTF"]
fn none_of_theirs_among_all_of_the_others() {
    let mut by_name = docker().load("unseen-1", &[]);
    let mut by_label = docker().load("unlisted", &["--label=doubleslit.io/ignore=true"]);
    let mut web = docker().load("seen", &["--label=doubleslit.io/ignore=false"]);
    let ignore = "ignore: [{container: 'unseen-*'}, {label: doubleslit.io/ignore=true}]";
    let mut watch = Watch::start(Path::new(BINARY), &format!("{}\n{ignore}", config()), &["--event", "exec"]);
    by_name.load.run("exec 10");
    web.load.run("exec 15");
    by_label.load.run("exec 20");
    web.load.run("exec 15");

    // What it executes comes last, and is the only one without the load for a parent.
    docker().cli(["exec", "seen", "/bin/sleep", "0"]);
    let is_last = |event: &Value| text(event, "process.executable.path") == "/bin/sleep" && is_of(event, &web.id);
    let mut events = watch.await_events_until("the last program", is_last);
    let (status, more) = watch.stop(libc::SIGTERM);
    assert!(status.success(), "{}", watch.log());
    events.extend(more);
    let is_load = |event: &&Value| text(event, "doubleslit.process.parent.comm").starts_with("doubleslit");
    let of = |id| events.iter().filter(|event| is_of(event, id)).collect::<Vec<_>>();
    assert_eq!(of(&web.id).into_iter().filter(is_load).count(), 30);
    assert_eq!([of(&by_name.id), of(&by_label.id)], [const { Vec::<&Value>::new() }; 2]);
    let told = told(&watch);
    assert_eq!((told["filtered"], told["lost"], told["received"]), (30, 0, events.len() as u64));
}

fn is_of(event: &Value, container: &str) -> bool {
    text(event, "container.id") == container
}
