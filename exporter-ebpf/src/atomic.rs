//! Atomic operations. The BPF target of `core` has none.

use core::arch::asm;

/// Adds to a word. Returns what was there.
///
/// # Safety
///
/// The word is valid, and aligned.
#[inline(always)]
pub unsafe fn add(word: *mut u64, increment: u64) -> u64 {
    let mut value = increment;
    // SAFETY: the instruction changes the word, for which the caller vouches, and the register.
    unsafe {
        asm!("{value} = atomic_fetch_add((u64 *)({word} + 0), {value})", word = in(reg) word, value = inout(reg) value)
    };
    value
}

/// Replaces a word, if it is still the same. Says whether it was.
///
/// # Safety
///
/// The word is valid, and aligned.
#[inline(always)]
pub unsafe fn replace(word: *mut u64, old: u64, new: u64) -> bool {
    let found: u64;
    // SAFETY: the instruction changes the word, for which the caller vouches, and the register.
    unsafe {
        asm!("r0 = cmpxchg_64({word} + 0, r0, {new})", word = in(reg) word, new = in(reg) new, inout("r0") old => found);
    }
    found == old
}
