//! An end for what would wait forever.

use std::{
    io::{self, Write as _},
    process::{self, Command},
    sync::{Mutex, Once},
    thread,
    time::{Duration, Instant},
};

/// How long a test may go on without starting an exporter or a command, and a measurement without another one. The longest take four
/// minutes on two CPUs.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

static LAST: Mutex<Option<Instant>> = Mutex::new(None);

/// Says that tests or measurements go on. When nobody does for [`PATIENCE`], this process tells what there is on the machine, and ends.
pub fn feed() {
    static WATCH: Once = Once::new();
    *LAST.lock().expect("nobody panics with it") = Some(Instant::now());
    WATCH.call_once(|| drop(thread::spawn(watch)));
}

fn watch() {
    let idle = || LAST.lock().expect("nobody panics with it").map_or(Duration::ZERO, |last| last.elapsed());
    while idle() < PATIENCE {
        thread::sleep(Duration::from_secs(1));
    }
    let list = Command::new("ps").args(["-eo", "pid,ppid,stat,etime,wchan:24,args", "--forest"]).output();
    let list = list.map_or_else(|error| error.to_string(), |list| String::from_utf8_lossy(&list.stdout).into_owned());
    // Not by a macro, whose output the test's harness keeps until the test ends.
    drop(writeln!(io::stderr(), "nothing has begun for {PATIENCE:?}; the machine's processes:\n{list}"));
    process::exit(1);
}
