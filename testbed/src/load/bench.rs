//! Storms: how long one operation takes.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    str::FromStr,
    time::Instant,
};

use anyhow::{Context as _, Result};

use super::{image::Image, process, signal, syscall, tcp};

/// What a storm does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storm {
    /// Fork, exec, exit and wait.
    Exec,
    /// A handled signal to itself.
    Signal,
    /// A connection over loopback, opened, accepted and closed at both ends by one thread.
    Connect,
    /// The cheapest system call.
    Call,
}

/// There is no such storm.
#[derive(Debug)]
pub struct UnknownStorm;

impl std::fmt::Display for UnknownStorm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("there are `exec`, `signal`, `connect` and `call`")
    }
}

impl std::error::Error for UnknownStorm {}

impl FromStr for Storm {
    type Err = UnknownStorm;

    fn from_str(name: &str) -> Result<Self, UnknownStorm> {
        match name {
            "exec" => Ok(Self::Exec),
            "signal" => Ok(Self::Signal),
            "connect" => Ok(Self::Connect),
            "call" => Ok(Self::Call),
            _ => Err(UnknownStorm),
        }
    }
}

/// Connections to one listener. Their rests in time_wait keep their ports for a minute, for this listener only, so that a
/// storm needs a new one before the ports run out.
const CONNECTIONS_PER_LISTENER: u64 = 2000;

/// Runs a storm, after a tenth of it to warm up, and tells the nanoseconds per operation.
pub fn run(storm: Storm, count: u64, image: &Image) -> Result<String> {
    once(storm, count / 10, image)?;
    let start = Instant::now();
    once(storm, count, image)?;
    Ok(format!("{:.1}", start.elapsed().as_nanos() as f64 / count as f64))
}

fn once(storm: Storm, count: u64, image: &Image) -> Result<()> {
    match storm {
        Storm::Exec => process::exec(image, count),
        Storm::Signal => signal::to_self(libc::SIGUSR1, count),
        Storm::Connect => connect(count),
        Storm::Call => {
            syscall::bare(libc::SYS_getppid, count);
            Ok(())
        }
    }
}

fn connect(count: u64) -> Result<()> {
    let mut left = count;
    while left > 0 {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).context("cannot listen")?;
        let address = listener.local_addr()?;
        let share = left.min(CONNECTIONS_PER_LISTENER);
        for _ in 0..share {
            tcp::open_accept_close(&listener, address)?;
        }
        left -= share;
    }
    Ok(())
}
