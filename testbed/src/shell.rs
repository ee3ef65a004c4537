//! Other people's commands.

use std::{
    env,
    ffi::OsStr,
    io::Read,
    process::{Command, Output, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::watchdog;

/// How long a command may take, on a machine that has other things to do as well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Beginnings of the variables that cargo sets for a test and for what it runs.
const TOLD_BY_CARGO: [&str; 5] = ["CARGO_BIN_", "CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_"];

/// Has a command not know what cargo tells a test, or what it runs. Scripts of a build that look at it would run again.
pub fn as_without_cargo(command: &mut Command) -> &mut Command {
    let of_cargo = |name: &str| TOLD_BY_CARGO.iter().any(|start| name.starts_with(start));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_cargo)) {
        command.env_remove(name);
    }
    command
}

/// Runs a command and returns its standard output without the last line's end. Panics when it fails.
pub fn run<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> String {
    let mut command = Command::new(program);
    command.args(arguments);
    let output = output(&mut command);
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Runs a command to its end. Panics when there is no such command.
pub fn output(command: &mut Command) -> Output {
    output_within(PATIENCE, command).unwrap_or_else(|| panic!("{command:?} did not end in {PATIENCE:?}"))
}

/// Runs a command to its end, or ends it when that does not come in time. Panics when there is no such command.
pub fn output_within(time: Duration, command: &mut Command) -> Option<Output> {
    watchdog::feed();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    // Not waited for when it is late: a child of its own may keep its output open.
    let (stdout, stderr) = (everything(child.stdout.take()), everything(child.stderr.take()));
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("it is a child") {
            Some(status) => break status,
            None if start.elapsed() < time => thread::sleep(Duration::from_millis(1)),
            None => {
                child.kill().expect("it is a child");
                child.wait().expect("it is a child");
                return None;
            }
        }
    };
    let text = |reader: JoinHandle<Vec<u8>>| reader.join().expect("a pipe can be read");
    Some(Output { status, stdout: text(stdout), stderr: text(stderr) })
}

fn everything(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    let mut pipe = pipe.expect("it is piped");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// Whether there is such a command.
#[must_use]
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_tells_a_test_stays_here() {
        let printed = output(as_without_cargo(&mut Command::new("env"))).stdout;
        let printed = String::from_utf8_lossy(&printed);
        let has = |start: &str| printed.lines().any(|line| line.starts_with(start));
        assert!(env::var_os("CARGO_PKG_NAME").is_some() && has("PATH="), "{printed}");
        assert!(!TOLD_BY_CARGO.iter().any(|start| has(start)), "{printed}");
    }
}
