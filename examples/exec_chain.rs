//! Prints process id, PID namespace and file of every execution on the machine, until a signal ends it.

use std::io::{self, Write as _};

use doubleslit::{NamespaceType, Observer};

fn main() -> anyhow::Result<()> {
    let events = Observer::new().tracepoint("sched:sched_process_exec").open()?;
    eprintln!("observing");
    let mut output = io::stdout().lock();
    for event in events {
        if let (Some(hit), Some(namespace)) = (event.hit(), event.namespace(NamespaceType::Pid)) {
            // Whoever executes a file chooses its path: quotes keep it on one line.
            writeln!(output, "{} {namespace} {:?}", hit.int("pid")?, hit.str("filename")?)?;
        }
    }
    Ok(())
}
