use std::sync::Arc;

use clap::Parser as _;

use super::*;
use crate::identity::Scope;
use crate::{
    cli::{Cli, Command},
    top::board::{Owner, What as Counted},
};

fn arguments(line: &str) -> Result<Arguments, String> {
    match Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?.command {
        Command::Top(arguments) => Ok(arguments),
        other => panic!("another command: {other:?}"),
    }
}

fn row(owner: &Owner, name: &'static str, errno: &'static str, count: u64) -> Row {
    let what = Counted { name, errno };
    Row { owner: Arc::new(owner.clone()), what, count, total: count, rates: vec![count as f64 / 4.0] }
}

fn web() -> Owner {
    Owner {
        scope: Scope::Container,
        container: "web".to_owned(),
        container_id: "7de99b5f7430a1b2c3d4e5f60718293a4b5c6d7e8f901a2b3c4d5e6f70819203".to_owned(),
        ..Owner::default()
    }
}

fn app() -> Owner {
    Owner {
        scope: Scope::Container,
        namespace: "shop".to_owned(),
        pod: "cart".to_owned(),
        container: "app".to_owned(),
        container_id: "lxc-1".to_owned(),
    }
}

#[test]
fn a_table_of_events() {
    let rows = vec![row(&Owner::default(), "exit", "", 1), row(&web(), "exec", "", 10), row(&app(), "fork", "", 2)];
    let options = arguments("doubleslit top --once").expect("valid").options();
    assert_eq!(
        text(&arrange(rows.clone(), &options), View::Events),
        "CONTAINER ID   CONTAINER       EVENT   COUNT   RATE/S\n\
         7de99b5f7430   web             exec    10      2.5\n\
         lxc-1          shop/cart/app   fork    2       0.5\n               \
         host            exit    1       0.2\n"
    );
    let options = arguments("doubleslit top --once -n 1 --sort event --container a* --container 7de99b5f7430");
    assert_eq!(
        text(&arrange(rows, &options.expect("valid").options()), View::Events),
        "CONTAINER ID   CONTAINER   EVENT   COUNT   RATE/S\n\
         7de99b5f7430   web         exec    10      2.5\n"
    );
}

#[test]
fn a_table_of_calls() {
    let rows = [row(&web(), "openat", "ENOENT", 8000)];
    assert_eq!(
        text(&rows, View::Calls),
        "CONTAINER ID   CONTAINER   SYSCALL   ERRNO    COUNT   RATE/S\n\
         7de99b5f7430   web         openat    ENOENT   8000    2000.0\n"
    );
}

#[test]
fn json() {
    let rows = [row(&app(), "exec", "", 10), row(&Owner::default(), "openat", "OK", 2)];
    let once = Once { seconds: 4.0, rows: rows.iter().map(Line::of).collect() };
    let expected = serde_json::json!({
        "seconds": 4.0,
        "rows": [
            {
                "scope": "container", "container_id": "lxc-1", "container": "app", "pod": "cart", "namespace": "shop",
                "event": "exec", "count": 10, "rate": 2.5,
            },
            {
                "scope": "host", "container_id": null, "container": null, "pod": null, "namespace": null,
                "syscall": "openat", "errno": "OK", "count": 2, "rate": 0.5,
            },
        ],
    });
    assert_eq!(serde_json::to_value(&once).expect("it can be written"), expected);
}

#[test]
fn flags_are_refused() {
    for (line, expected) in [
        ("doubleslit top -o json", "--once"),
        ("doubleslit top --interval 1ms", "expected a duration from `10ms` to `1day`"),
        ("doubleslit top --interval x", "expected a duration from `10ms` to `1day`"),
        ("doubleslit top --sort color", "possible values: container, event, rate, total"),
        ("doubleslit top --container a?", "expected a text in which `*` stands for any text"),
    ] {
        let refusal = arguments(line).expect_err(line);
        assert!(refusal.contains(expected), "{line}: {refusal}");
    }
}
