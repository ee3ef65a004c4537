//! Prints what containers do as JSON lines, until a signal ends it. Its arguments are rules for what is not printed.

use std::{
    env,
    io::{self, Write as _},
};

use doubleslit::{Kind, Observer};

/// Executions, signals, sockets, containers.
const KINDS: [Kind; 6] = [
    Kind::Exec,
    Kind::SignalGenerate,
    Kind::SignalDeliver,
    Kind::SocketState,
    Kind::ContainerStart,
    Kind::ContainerStop,
];

fn main() -> anyhow::Result<()> {
    // What belongs to no container is the host's.
    let observer = Observer::new().events(KINDS).drop("container_id=");
    let mut events = env::args().skip(1).fold(observer, Observer::drop).open()?;
    eprintln!("observing");
    let mut output = io::stdout().lock();
    let mut missed = 0;
    while let Some(event) = events.next() {
        if events.missed() > missed {
            missed = events.missed();
            eprintln!("{}", events.unseen());
        }
        writeln!(output, "{}", event.to_json())?;
    }
    Ok(())
}
