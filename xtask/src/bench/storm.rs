//! Storms: processes that do one thing very often, on one CPU.

use std::{path::Path, process::Command, thread};

use anyhow::{Context as _, Result, ensure};

use super::{Effort, statistics};

/// What a storm does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storm {
    /// Forks and executes.
    Exec,
    /// Sends itself a signal.
    Signal,
    /// Opens, accepts and closes connections over loopback.
    Connect,
    /// Connects over loopback to where nobody listens.
    Refused,
    /// Makes the cheapest system call.
    Call,
}

/// A port on which nobody listens: tcpmux, which no system serves.
const DEAD_PORT: &str = "1";

impl Storm {
    /// As a reader names it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Exec => "fork+exec",
            Self::Signal => "signal to itself",
            Self::Connect => "connect/close",
            Self::Refused => "refused connect",
            Self::Call => "getppid",
        }
    }

    /// How many operations take about a fifth of a second.
    const fn operations(self) -> u64 {
        match self {
            Self::Exec => 2_000,
            Self::Signal => 150_000,
            Self::Connect => 4_000,
            Self::Refused => 8_000,
            Self::Call => 1_000_000,
        }
    }

    /// Runs one process and returns what it answers: nanoseconds per operation for those that measure themselves.
    fn run(self, load: &Path, effort: Effort) -> Result<String> {
        self.run_below(&[], load, effort)
    }

    /// The same as the child of another command, which begins with these words.
    fn run_below(self, words_before: &[&str], load: &Path, effort: Effort) -> Result<String> {
        let count = (self.operations() / effort.divisor).to_string();
        let words = match self {
            Self::Exec => vec!["bench", "exec", &count],
            Self::Signal => vec!["bench", "signal", &count],
            Self::Connect => vec!["bench", "connect", &count],
            Self::Call => vec!["bench", "call", &count],
            Self::Refused => vec!["connect-refused", "127.0.0.1", DEAD_PORT, &count],
        };
        // Whatever else the machine has to do shall not take turns with the storm.
        let mut command = Command::new("nice");
        command.arg("--adjustment=-20").args(words_before).arg(load).arg(format!("cpus={}", cpu()?)).args(words);
        let output = command.output().context("cannot run nice")?;
        ensure!(output.status.success(), "the storm failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs one process, whatever it takes.
    pub(super) fn warm_up(self, load: &Path, effort: Effort) -> Result<()> {
        self.run(load, effort).map(drop)
    }

    /// Runs several processes, one after the other.
    pub(super) fn blow(self, load: &Path, effort: Effort) -> Result<()> {
        (0..effort.processes).try_for_each(|_| self.run(load, effort).map(drop))
    }

    /// The median of several processes' nanoseconds per operation.
    pub(super) fn measure(self, load: &Path, effort: Effort) -> Result<f64> {
        self.measure_below(&[], load, effort)
    }

    /// The same as children of another command.
    pub(super) fn measure_below(self, words_before: &[&str], load: &Path, effort: Effort) -> Result<f64> {
        let once = || self.run_below(words_before, load, effort)?.parse::<f64>().context("the storm tells no time");
        let times = (0..effort.processes).map(|_| once()).collect::<Result<Vec<_>>>()?;
        Ok(statistics::median(times))
    }
}

/// The CPU of the storms: the last one, as the first one has more to do.
pub(super) fn cpu() -> Result<usize> {
    Ok(thread::available_parallelism()?.get() - 1)
}
