//! Which system call returned and how: the detail of [`Kind::Syscall`](crate::kind::Kind::Syscall). The call alone is the detail of
//! [`Kind::SyscallTime`](crate::kind::Kind::SyscallTime) and [`Kind::SyscallUntimed`](crate::kind::Kind::SyscallUntimed).

const CALL_BITS: u32 = 10;
const ERROR_BITS: u32 = 9;
const _: () =
    assert!(1 << (CALL_BITS + ERROR_BITS) == crate::key::DETAIL_LIMIT, "a call and its error fill the detail");

/// Calls are below this number.
pub const CALLS: usize = 1 << CALL_BITS;

/// The call that stands for all 32-bit calls, which have numbers of their own.
pub const COMPAT: u32 = CALLS as u32 - 2;

/// The call that stands for `rt_sigreturn`, which has put other registers in place when it returns, with -1 for its number so
/// that nobody restarts it (`restore_sigcontext` in arch/x86/kernel/signal_64.c, `restore_sigframe` in
/// arch/arm64/kernel/signal.c).
pub const RT_SIGRETURN: u32 = CALLS as u32 - 3;

/// The call that stands for all numbers from [`RT_SIGRETURN`] on. No architecture gives these out.
pub const OTHER: u32 = CALLS as u32 - 1;

/// The bit of a call that is counted.
pub const WANTED: u8 = 1;

/// The bit of a call that makes a task, in which it returns as well.
pub const FORKS: u8 = 2;

/// The bit of a call whose beginning is noted where time is measured: one that is counted, or that may return as one that has
/// this bit. So a note that is taken when a call returns is this call's own.
pub const NOTED: u8 = 4;

/// The bit of a call that has a histogram where time is measured.
pub const HISTOGRAM: u8 = 8;

/// Errors that reach no process (include/linux/errno.h): what the kernel says to itself of an interrupted call, for example.
const INTERNAL_ERRORS: core::ops::RangeInclusive<u32> = 512..=766;
/// The errors of processes are below.
const INTERNAL_CODES: u32 = 256;
const OTHER_ERROR: u32 = (1 << ERROR_BITS) - 1;
/// `MAX_ERRNO` (include/linux/err.h).
const MAX_ERROR: i64 = 4095;

/// The call with this number, as the registers tell it when it returns.
#[inline(always)]
#[must_use]
pub const fn call(number: i32, is_compat: bool) -> u32 {
    if is_compat {
        COMPAT
    } else if number == -1 {
        RT_SIGRETURN
    } else if number < 0 || number as u32 >= RT_SIGRETURN {
        OTHER
    } else {
        number as u32
    }
}

/// Whether this is how a call with these bits returns in the task that it made: with 0, which is no task's number.
#[inline(always)]
#[must_use]
pub const fn is_in_new_task(bits: u8, call: u32, number: i32, result: i64) -> bool {
    // `fork`, `clone`, `vfork` and `clone3` have the same numbers on i386 and 32-bit ARM.
    let forks = if call == COMPAT { matches!(number, 2 | 120 | 190 | 435) } else { bits & FORKS != 0 };
    forks && result == 0
}

/// The detail of a call that returned. What `rt_sigreturn` returns is a register of the code that a signal interrupted.
#[inline(always)]
#[must_use]
pub const fn detail(call: u32, result: i64) -> u32 {
    let error = error(call, result);
    let code = if error < INTERNAL_CODES {
        error
    } else if *INTERNAL_ERRORS.start() <= error && error <= *INTERNAL_ERRORS.end() {
        error - *INTERNAL_ERRORS.start() + INTERNAL_CODES
    } else {
        OTHER_ERROR
    };
    code << CALL_BITS | call
}

/// The error that a call returned, 0 for none.
#[must_use]
#[inline(always)]
pub const fn error(call: u32, result: i64) -> u32 {
    if call == RT_SIGRETURN || result >= 0 || result < -MAX_ERROR { 0 } else { -result as u32 }
}

/// The call that a detail tells.
#[must_use]
pub const fn call_of(detail: u32) -> u32 {
    detail & (CALLS as u32 - 1)
}

/// The error that a detail tells, 0 for none; nothing for one that is not told apart.
#[must_use]
pub const fn error_of(detail: u32) -> Option<u32> {
    match detail >> CALL_BITS {
        OTHER_ERROR.. => None,
        code if code < INTERNAL_CODES => Some(code),
        code => Some(code - INTERNAL_CODES + *INTERNAL_ERRORS.start()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_tell_call_and_error() {
        for number in [0, 1, 257, 1020, COMPAT, OTHER] {
            for (result, error) in [(0, Some(0)), (7, Some(0)), (i64::MIN, Some(0)), (-4096, Some(0))] {
                let detail = detail(number, result);
                assert_eq!((call_of(detail), error_of(detail)), (number, error));
            }
            for error in 1..=4095 {
                let detail = detail(number, -error);
                let told = error < 256 || (512..=766).contains(&error);
                assert_eq!((call_of(detail), error_of(detail)), (number, told.then_some(error as u32)));
                assert!(detail < crate::key::DETAIL_LIMIT);
            }
        }
    }

    #[test]
    fn every_number_is_a_call() {
        for (number, is_compat, expected) in [
            (0, false, 0),
            (1020, false, 1020),
            (1021, false, OTHER),
            (0x4000_0001, false, OTHER),
            (i32::MIN, false, OTHER),
            (-1, false, RT_SIGRETURN),
            (-1, true, COMPAT),
            (5, true, COMPAT),
        ] {
            assert_eq!(call(number, is_compat), expected, "{number}");
        }
    }

    #[test]
    fn returning_from_a_signal_is_no_error() {
        assert_eq!(detail(RT_SIGRETURN, -4), RT_SIGRETURN);
    }

    #[test]
    fn new_tasks_return_too() {
        assert!(is_in_new_task(WANTED | FORKS, 56, 56, 0));
        assert!(!is_in_new_task(WANTED | FORKS, 56, 56, 4711));
        assert!(!is_in_new_task(WANTED | FORKS, 56, 56, -11));
        assert!(!is_in_new_task(WANTED, 3, 3, 0));
        assert!(is_in_new_task(WANTED, COMPAT, 120, 0));
        assert!(!is_in_new_task(WANTED, COMPAT, 3, 0));
    }
}
