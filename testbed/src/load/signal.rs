//! Signals whose fate is known.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::sys::{self, Disposition};

/// Sends signals to this thread, each one handled before the next.
pub fn to_self(signal: i32, count: u64) -> Result<()> {
    handle(signal)?;
    let before = sys::handled(signal);
    for _ in 0..count {
        sys::send_to_this_thread(signal)?;
    }
    ensure!(sys::handled(signal) >= before + count, "a signal to itself was not delivered at once");
    Ok(())
}

/// Sends signals to this thread, which ignores them.
pub fn ignored(signal: i32, count: u64) -> Result<()> {
    sys::dispose(signal, Disposition::Ignore).with_context(|| format!("cannot ignore signal {signal}"))?;
    for _ in 0..count {
        sys::send_to_this_thread(signal)?;
    }
    sys::dispose(signal, Disposition::Default)?;
    Ok(())
}

/// Sends signals to another process.
pub fn to_other(pid: i32, signal: i32, count: u64) -> Result<()> {
    for _ in 0..count {
        sys::send(pid, signal).with_context(|| format!("cannot send signal {signal} to process {pid}"))?;
    }
    Ok(())
}

/// Has timers of this process send it signals, each one handled before the next.
pub fn by_timer(signal: i32, count: u64) -> Result<()> {
    handle(signal)?;
    for _ in 0..count {
        let before = sys::handled(signal);
        let _timer = sys::Timer::start(signal).context("cannot start a timer")?;
        await_handled(signal, before + 1)?;
    }
    Ok(())
}

/// Installs the handler that counts.
pub fn handle(signal: i32) -> Result<()> {
    sys::dispose(signal, Disposition::Count).with_context(|| format!("cannot handle signal {signal}"))
}

/// Waits until the handler has run this often since the start.
pub fn await_handled(signal: i32, count: u64) -> Result<()> {
    let start = Instant::now();
    while sys::handled(signal) < count {
        ensure!(start.elapsed() < Duration::from_secs(10), "only {} signals came in 10 s", sys::handled(signal));
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
