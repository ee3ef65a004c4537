//! Prints process id, PID namespace and file of every execution on the machine, until a signal ends it.

use std::io::{self, Write as _};

use doubleslit::{Details, Kind, NamespaceType, Observer};

fn main() -> anyhow::Result<()> {
    let events = Observer::new().events([Kind::Exec]).open()?;
    eprintln!("observing");
    let mut output = io::stdout().lock();
    for event in events {
        if let Details::Exec(exec) = &event.details
            && let (Some(pid), Some(namespace)) = (event.pid(), event.namespace(NamespaceType::Pid))
        {
            // Whoever executes a file chooses its path: quotes keep it on one line.
            writeln!(output, "{pid} {namespace} {:?}", exec.path)?;
        }
    }
    Ok(())
}
