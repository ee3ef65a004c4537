//! Sleeps, and how many nanoseconds their system calls take, at least and at most.

use std::{
    fs,
    path::Path,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::sys::{self, Child, Disposition};

/// Longer than any test.
const FOREVER: Duration = Duration::from_secs(3600);

const SIGNAL: i32 = libc::SIGUSR2;

/// Has threads sleep, while another one maps and unmaps memory.
pub fn many(threads: u64, count: u64, milliseconds: u64) -> Result<String> {
    let time = Duration::from_millis(milliseconds);
    let is_over = AtomicBool::new(false);
    let at_most = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                sys::map_and_unmap();
            }
        });
        let sleepers: Vec<_> = (0..threads).map(|_| scope.spawn(|| sleep_here(count, time))).collect();
        let times: Vec<_> = sleepers.into_iter().map(|sleeper| sleeper.join().expect("it does not panic")).collect();
        is_over.store(true, Ordering::Relaxed);
        times.into_iter().sum::<Result<u64>>()
    })?;
    Ok(bounds(threads * count * time.as_nanos() as u64, at_most))
}

fn sleep_here(count: u64, time: Duration) -> Result<u64> {
    let mut sum = 0;
    for _ in 0..count {
        let begun = sys::now();
        sys::sleep(time).context("a sleep was interrupted")?;
        sum += sys::now() - begun;
    }
    Ok(sum)
}

/// Has a thread sleep until a signal comes, whose handler takes its time.
pub fn interrupted(milliseconds: u64) -> Result<String> {
    sys::dispose(SIGNAL, Disposition::Linger)?;
    let (told, tid) = mpsc::channel();
    let sleeper = thread::spawn(move || {
        told.send(sys::thread_id()).expect("somebody listens");
        let begun = sys::now();
        (begun, sys::sleep(FOREVER).is_err())
    });
    let tid = tid.recv()?;
    let asleep = await_asleep(Path::new(&format!("/proc/self/task/{tid}/stat")))?;
    let sent = spin(asleep, milliseconds);
    sys::send_to_thread(tid, SIGNAL)?;
    let (begun, was_interrupted) = sleeper.join().expect("it does not panic");
    ensure!(was_interrupted, "nothing interrupted the sleep");
    Ok(bounds(sent - asleep, sys::lingering_since() - begun))
}

/// Has a child sleep until it is killed.
pub fn killed(milliseconds: u64) -> Result<String> {
    let begun = sys::now();
    let child = sys::fork(Child::Sleep(FOREVER))?;
    let asleep = await_asleep(Path::new(&format!("/proc/{child}/stat")))?;
    let sent = spin(asleep, milliseconds);
    sys::send(child, libc::SIGKILL)?;
    let status = sys::wait(child)?;
    ensure!(status == libc::SIGKILL, "the child ended with wait status {status:#x}");
    Ok(bounds(sent - asleep, sys::now() - begun))
}

fn bounds(at_least: u64, at_most: u64) -> String {
    format!("{at_least} {at_most}")
}

/// Waits until a task sleeps and tells the time.
fn await_asleep(stat: &Path) -> Result<u64> {
    while !fs::read_to_string(stat)?.contains(") S ") {
        thread::yield_now();
    }
    Ok(sys::now())
}

/// Waits, without a sleep of its own, and tells the time.
fn spin(since: u64, milliseconds: u64) -> u64 {
    loop {
        let now = sys::now();
        if now - since >= milliseconds * 1_000_000 {
            return now;
        }
        thread::yield_now();
    }
}
