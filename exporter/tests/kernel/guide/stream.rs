//! Commands that go on until somebody ends them, at a terminal of their own as their readers have it.

use std::process::ExitStatus;

use doubleslit_testbed::{terminal::Terminal, wait};

use super::{place::Place, shown::Shown};

/// What ends them, and how they then end: by themselves, or by the signal that the terminal sends.
const INTERRUPTED: i32 = 128 + libc::SIGINT;

/// Parts of the commands that go on.
const GO_ON: &[&str] = &[
    "doubleslit watch",
    "doubleslit top",
    "doubleslit trace tail",
    "trace create --one-shot",
    "curl -N",
    "examples/container_events",
];

pub(super) fn goes_on(command: &str) -> bool {
    GO_ON.iter().any(|part| command.contains(part)) && !command.contains("--once")
}

/// Runs a command until it has printed what is shown, then ends it as one does.
pub(super) fn until_shown(place: &mut Place, command: &str, shown: &Shown, what: &str) {
    let arguments = place.arguments(command);
    // A test in the background ignores what interrupts, and would pass that on.
    let heeding = ["--default-signal=INT", "nsenter"].into_iter();
    let arguments: Vec<_> = heeding.chain(arguments.iter().map(String::as_str)).collect();
    let mut terminal = Terminal::start("env", &arguments, &place.variables(), [200, 60]);
    let has_printed = wait::attempted(wait::PATIENCE, || {
        let ended = terminal.ended();
        let lacks = shown.lacks(&terminal.plain()).map(str::to_owned);
        assert!(ended.is_none(), "{what} ended with {ended:?}:\n{}", terminal.plain());
        lacks.is_none().then_some(())
    });
    assert!(has_printed.is_some(), "{what} lacks {:?}:\n{}", shown.lacks(&terminal.plain()), terminal.plain());
    // A pager wants its own key; the others are interrupted.
    let status = wait::until("it ends", || {
        terminal.press(if command.contains("| less") { "\u{3}q" } else { "\u{3}" });
        wait::attempted(std::time::Duration::from_secs(1), || terminal.ended())
    });
    assert!(is_fine(status), "{what} ended with {status}:\n{}", terminal.plain());
}

/// Whether a command that was interrupted ended as such do.
pub(super) fn is_fine(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.success() || status.code() == Some(INTERRUPTED) || status.signal() == Some(libc::SIGINT)
}
