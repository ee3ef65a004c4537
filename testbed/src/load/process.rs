//! Processes and threads that come and go.

use std::os::fd::AsFd as _;

use anyhow::{Context as _, Result, ensure};

use super::image::Image;
use crate::sys::{self, Child};

/// Forks and executes.
pub fn exec(image: &Image, count: u64) -> Result<()> {
    for _ in 0..count {
        let pid = sys::spawn(&image.program).context("cannot execute the smallest program")?;
        expect(pid, 0)?;
    }
    Ok(())
}

/// Forks and executes with `execveat`.
pub fn execveat(image: &Image, count: u64) -> Result<()> {
    let file = image.open()?;
    for _ in 0..count {
        expect(sys::fork(Child::Execute(file.as_fd()))?, 0)?;
    }
    Ok(())
}

/// Forks children whose second threads execute the program.
pub fn exec_by_thread(image: &Image, count: u64) -> Result<()> {
    let file = image.open()?;
    for _ in 0..count {
        expect(sys::fork(Child::ExecuteByThread(file.as_fd()))?, 0)?;
    }
    Ok(())
}

/// Executes what is not there.
pub fn exec_missing(count: u64) -> Result<()> {
    for _ in 0..count {
        let error = sys::execute(c"/there/is/no/such/program");
        ensure!(error.kind() == std::io::ErrorKind::NotFound, "the execution failed with `{error}`");
    }
    Ok(())
}

/// Forks children that exit.
pub fn exit(status: i32, count: u64) -> Result<()> {
    for _ in 0..count {
        expect(sys::fork(Child::Exit(status))?, (status & 0xff) << 8)?;
    }
    Ok(())
}

/// Forks children that die of a signal.
pub fn die(signal: i32, count: u64) -> Result<()> {
    for _ in 0..count {
        expect(sys::fork(Child::Die(signal))?, signal)?;
    }
    Ok(())
}

/// Forks children that write to memory which is not there.
pub fn fault(count: u64) -> Result<()> {
    for _ in 0..count {
        expect(sys::fork(Child::Fault)?, libc::SIGSEGV)?;
    }
    Ok(())
}

/// Ends this process with a status, after its first thread is gone.
pub fn leave(status: i32) -> ! {
    let first = std::process::id();
    std::thread::spawn(move || {
        // The first thread stays in the list, as a zombie, until the process ends.
        let state = format!("/proc/self/task/{first}/stat");
        while std::fs::read_to_string(&state).is_ok_and(|stat| !stat.contains(") Z ")) {
            std::thread::yield_now();
        }
        sys::exit_process(status)
    });
    sys::exit_thread()
}

/// Starts threads that end.
pub fn threads(count: u64) {
    for _ in 0..count {
        drop(std::thread::spawn(|| ()).join());
    }
}

/// Forks a child that uses memory; tells `exit STATUS` or `signal NUMBER`.
pub fn hog(mebibytes: usize) -> Result<String> {
    let status = sys::wait(sys::fork(Child::Hog(mebibytes << 20))?)?;
    Ok(if status & 0x7f == 0 { format!("exit {}", status >> 8) } else { format!("signal {}", status & 0x7f) })
}

fn expect(pid: i32, expected: i32) -> Result<()> {
    let status = sys::wait(pid)?;
    ensure!(status == expected, "a child ended with wait status {status:#x} instead of {expected:#x}");
    Ok(())
}
