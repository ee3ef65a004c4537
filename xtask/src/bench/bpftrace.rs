//! bpftrace, counting the same.

use std::{
    io::Read as _,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::programs;

/// Mounts tracefs for bpftrace alone, where there is none, and becomes bpftrace.
const START: &str = r#"
[ -e /sys/kernel/tracing/events ] || [ -e /sys/kernel/debug/tracing/events ] ||
    mount -t tracefs tracefs /sys/kernel/tracing || exit
exec bpftrace --no-warnings -e "$1"
"#;

const PATIENCE: Duration = Duration::from_secs(30);
/// Between the last program's loading and its being attached.
const SETTLE: Duration = Duration::from_millis(300);

/// A running bpftrace. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Bpftrace(Child);

impl Bpftrace {
    /// Starts it and does not wait.
    pub(super) fn launch(script: &str) -> Result<Self> {
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c", START, "sh", script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run unshare")?;
        Ok(Self(child))
    }

    /// Starts it and waits until it counts.
    pub(super) fn start(script: &str) -> Result<Self> {
        let mut bpftrace = Self::launch(script)?;
        bpftrace.await_attached(script.matches("tracepoint:").count())?;
        Ok(bpftrace)
    }

    /// Waits until it has attached this many programs.
    pub(super) fn await_attached(&mut self, count: usize) -> Result<()> {
        let start = Instant::now();
        while programs::of_process(self.pid()).map_or(0, |programs| programs.len()) < count {
            if let Some(status) = self.0.try_wait()? {
                let mut text = String::new();
                if let Some(mut stderr) = self.0.stderr.take() {
                    stderr.read_to_string(&mut text)?;
                }
                bail!("bpftrace ended with {status}: {}", text.trim());
            }
            if start.elapsed() > PATIENCE {
                bail!("bpftrace attached nothing in {PATIENCE:?}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        thread::sleep(SETTLE);
        Ok(())
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Bpftrace {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
