//! Memory of whole words that others read and write too: the kernel, or whoever comes after this process.
#![expect(unsafe_code, reason = "the memory is shared")]

use std::{
    ffi::c_void,
    io,
    mem::size_of,
    ops::Deref,
    os::fd::AsFd,
    ptr::{self, NonNull},
    slice,
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

const PROTECTION: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

/// Words in memory that is mapped as long as this lives.
#[derive(Debug)]
pub(super) struct Shared {
    start: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: the mapping belongs to the process, and all access to it is atomic.
unsafe impl Send for Shared {}

impl Shared {
    /// The first words of a file or a map that has so many.
    ///
    /// # Errors
    ///
    /// When it cannot be mapped.
    pub(super) fn map(file: impl AsFd, words: usize) -> io::Result<Self> {
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe { mmap(ptr::null_mut(), bytes(words), PROTECTION, MapFlags::SHARED, file, 0) }?;
        Self::at(start, words)
    }

    /// Words that nobody else sees, all of them 0.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(super) fn alone(words: usize) -> io::Result<Self> {
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), bytes(words), PROTECTION, MapFlags::PRIVATE) }?;
        Self::at(start, words)
    }

    /// Writes a word, behind everything that was written before.
    pub(super) fn set(&self, word: usize, value: u64) {
        #[cfg(test)]
        death::step();
        self[word].store(value, Ordering::Release);
    }

    fn at(start: *mut c_void, words: usize) -> io::Result<Self> {
        Ok(Self { start: NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?, words })
    }
}

impl Deref for Shared {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: the mapping has this many words and lives as long as `self`. Any bits are valid, and the others too access
        // whole words.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this size, and no reference to it outlives `self`. Nothing else can go wrong.
        let _ = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), bytes(self.words)) };
    }
}

fn bytes(words: usize) -> usize {
    words * size_of::<AtomicU64>()
}

/// Being killed between two writes.
#[cfg(test)]
pub(super) mod death {
    use std::{
        cell::Cell,
        panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    };

    /// What is left of a thread that was killed.
    struct Killed;

    thread_local! {
        /// How many writes there are until then.
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Does something, up to so many writes. Says whether it was done to its end.
    pub(in crate::bpf) fn within(writes: usize, act: impl FnOnce()) -> bool {
        LEFT.set(writes);
        let result = catch_unwind(AssertUnwindSafe(act));
        LEFT.set(usize::MAX);
        match result {
            Ok(()) => true,
            Err(cause) if cause.is::<Killed>() => false,
            Err(cause) => resume_unwind(cause),
        }
    }

    pub(super) fn step() {
        LEFT.set(LEFT.get().checked_sub(1).unwrap_or_else(|| resume_unwind(Box::new(Killed))));
    }
}
