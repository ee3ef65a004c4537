//! `struct mm_struct` (include/linux/mm_types.h): a process's memory.

use core::{ffi::c_void, ptr};

use super::field::{
    self, DENTRY_NAME, FILE_DENTRY, MM_ARG_END, MM_ARG_START, MM_EXE_FILE, MM_PGTABLES_BYTES, MM_RSS_STAT,
    MM_SAVED_AUXV, MM_TOTAL_VM, PERCPU_COUNTER_COUNT,
};

/// What resident pages are counted by (include/linux/mm_types_task.h): where `rss_stat` has them.
#[derive(Clone, Copy)]
#[repr(usize)]
pub enum Pages {
    /// `MM_FILEPAGES`.
    File = 0,
    /// `MM_ANONPAGES`.
    Anonymous = 1,
    /// `MM_SHMEMPAGES`.
    Shared = 3,
}

/// Size of `struct percpu_counter` where four of them have the size that `MM_RSS_STAT` asks for.
const COUNTER_BYTES: usize = 160 / 4;

/// `AT_EXECFN` (include/uapi/linux/auxvec.h), and more pairs than a kernel gives a program.
const EXECUTED: u64 = 31;
const PAIRS: usize = 32;

/// A process's memory that the verifier knows.
#[derive(Clone, Copy)]
pub struct Memory(*const c_void);

impl Memory {
    /// The memory behind a task's field.
    ///
    /// # Safety
    ///
    /// The verifier knows the pointer as a `struct mm_struct *`.
    #[inline(always)]
    pub unsafe fn new(pointer: *const c_void) -> Self {
        Self(pointer)
    }

    /// Where the arguments of its program lie in it, and how many bytes they are.
    #[inline(always)]
    pub fn argument_area(self) -> (*const c_void, u64) {
        // SAFETY: see `new`.
        unsafe {
            let start = field::load::<u64>(self.0, &MM_ARG_START);
            let end = field::load::<u64>(self.0, &MM_ARG_END);
            (start as *const c_void, end.saturating_sub(start))
        }
    }

    /// The name of the file that its process executes; null for a thread of the kernel, which has none.
    #[inline(always)]
    pub fn executable_name(self) -> *const u8 {
        let file = field::probe::<*const c_void>(self.0, &MM_EXE_FILE);
        let entry = file.and_then(|file| field::probe::<*const c_void>(file, &FILE_DENTRY));
        entry.and_then(|entry| field::probe(entry, &DENTRY_NAME)).unwrap_or(ptr::null())
    }

    /// Where the path lies in it by which its program was executed; 0 when it is not told.
    #[inline(always)]
    pub fn executed_path(self) -> u64 {
        for pair in 0..PAIRS {
            let pair = self.0.wrapping_byte_add(pair * 2 * size_of::<u64>());
            match field::probe::<[u64; 2]>(pair, &MM_SAVED_AUXV) {
                Some([EXECUTED, address]) => return address,
                Some([0, _]) | None => break,
                Some(_) => {}
            }
        }
        0
    }

    /// The size of its address space, in pages.
    #[inline(always)]
    pub fn total_pages(self) -> u64 {
        // SAFETY: see `new`.
        unsafe { field::load(self.0, &MM_TOTAL_VM) }
    }

    /// Bytes of its page tables.
    #[inline(always)]
    pub fn page_table_bytes(self) -> u64 {
        // SAFETY: see `new`.
        unsafe { field::load(self.0, &MM_PGTABLES_BYTES) }
    }

    /// Its resident pages, as far as they are summed up: what `get_mm_counter` (include/linux/mm.h) tells.
    #[inline(always)]
    pub fn resident(self, pages: Pages) -> u64 {
        let offset = MM_RSS_STAT.load() as usize + pages as usize * COUNTER_BYTES;
        let count = field::probe::<i64>(self.0.wrapping_byte_add(offset), &PERCPU_COUNTER_COUNT);
        count.map_or(0, |count| count.max(0) as u64)
    }
}
