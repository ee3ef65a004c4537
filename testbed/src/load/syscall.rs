//! System calls whose result is known.

use std::{io, thread};

use anyhow::{Context as _, Result, ensure};

use crate::sys;

/// Has threads open what is not there.
pub fn open_missing(threads: u64, count: u64) -> Result<()> {
    let threads: Vec<_> = (0..threads).map(|_| thread::spawn(move || open_missing_here(count))).collect();
    threads.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
}

fn open_missing_here(count: u64) -> Result<()> {
    for _ in 0..count {
        let error = sys::openat(c"/there/is/no/such/file").err().context("the file is there")?;
        ensure!(error.kind() == io::ErrorKind::NotFound, "opening failed with `{error}`");
    }
    Ok(())
}

/// Makes calls without arguments.
pub fn bare(number: i64, count: u64) {
    for _ in 0..count {
        sys::call(number);
    }
}
