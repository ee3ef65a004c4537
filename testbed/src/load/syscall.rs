//! System calls whose result is known.

use std::{ffi::CString, io, thread};

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

/// Opens a path of some length that is not there.
pub fn open_long(length: usize, count: u64) -> Result<()> {
    let path = CString::new(format!("/{}", "a".repeat(length.saturating_sub(1))))?;
    for _ in 0..count {
        sys::openat(&path).err().context("the file is there")?;
    }
    Ok(())
}

/// Opens a path where no memory is.
pub fn open_unmapped(count: u64) -> Result<()> {
    for _ in 0..count {
        let error = sys::openat_unmapped().err().context("memory is there")?;
        ensure!(error.raw_os_error() == Some(libc::EFAULT), "opening failed with `{error}`");
    }
    Ok(())
}

/// Makes calls without arguments.
pub fn bare(number: i64, count: u64) {
    for _ in 0..count {
        sys::call(number);
    }
}
