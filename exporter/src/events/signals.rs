//! Names of what signals carry.

/// The name of an `si_code` (include/uapi/asm-generic/siginfo.h), which means another thing for each signal when it is above
/// 0; nothing for one without a name.
pub(super) fn code_name(signal: u32, code: i32) -> Option<&'static str> {
    match code {
        0 => return Some("SI_USER"),
        0x80 => return Some("SI_KERNEL"),
        -1 => return Some("SI_QUEUE"),
        -2 => return Some("SI_TIMER"),
        -3 => return Some("SI_MESGQ"),
        -4 => return Some("SI_ASYNCIO"),
        -5 => return Some("SI_SIGIO"),
        -6 => return Some("SI_TKILL"),
        -7 => return Some("SI_DETHREAD"),
        -60 => return Some("SI_ASYNCNL"),
        _ => {}
    }
    let (_, names) = CODES.iter().find(|(number, _)| *number == signal)?;
    names.get(usize::try_from(code).ok()?.checked_sub(1)?).copied()
}

/// The codes of a signal, from 1 on.
#[rustfmt::skip]
static CODES: &[(u32, &[&str])] = &[
    (4, &[
        "ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG", "ILL_COPROC", "ILL_BADSTK",
        "ILL_BADIADDR",
    ]),
    (5, &["TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT", "TRAP_UNK", "TRAP_PERF"]),
    (7, &["BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO"]),
    (8, &[
        "FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV", "FPE_FLTSUB",
    ]),
    (11, &[
        "SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR", "SEGV_ACCADI", "SEGV_ADIDERR", "SEGV_ADIPERR",
        "SEGV_MTEAERR", "SEGV_MTESERR", "SEGV_CPERR",
    ]),
    (17, &["CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"]),
    (29, &["POLL_IN", "POLL_OUT", "POLL_MSG", "POLL_ERR", "POLL_PRI", "POLL_HUP"]),
    (31, &["SYS_SECCOMP", "SYS_USER_DISPATCH"]),
];

/// The flags of a signal's action (include/uapi/asm-generic/signal-defs.h, of x86 also `SA_RESTORER`).
static FLAGS: &[(u64, &str)] = &[
    (0x1, "SA_NOCLDSTOP"),
    (0x2, "SA_NOCLDWAIT"),
    (0x4, "SA_SIGINFO"),
    (0x400, "SA_UNSUPPORTED"),
    (0x800, "SA_EXPOSE_TAGBITS"),
    (0x80_0000, "SA_IMMUTABLE"),
    (0x400_0000, "SA_RESTORER"),
    (0x800_0000, "SA_ONSTACK"),
    (0x1000_0000, "SA_RESTART"),
    (0x4000_0000, "SA_NODEFER"),
    (0x8000_0000, "SA_RESETHAND"),
];

/// The names of all flags.
pub fn flags() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|(_, name)| *name)
}

/// The names of the flags that are set; what has no name comes last, as one number.
pub(super) fn flag_names(flags: u64) -> Vec<String> {
    let mut names: Vec<_> =
        FLAGS.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| (*name).to_owned()).collect();
    let unnamed = FLAGS.iter().fold(flags, |rest, (flag, _)| rest & !flag);
    if unnamed != 0 {
        names.push(format!("{unnamed:#x}"));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        for (signal, code, name) in [
            (15, 0, Some("SI_USER")),
            (9, 0x80, Some("SI_KERNEL")),
            (11, 1, Some("SEGV_MAPERR")),
            (11, 11, None),
            (17, 6, Some("CLD_CONTINUED")),
            (15, 1, None),
            (11, i32::MIN, None),
            (11, i32::MAX, None),
        ] {
            assert_eq!(code_name(signal, code), name, "{signal} {code}");
        }
    }

    #[test]
    fn flags() {
        assert_eq!(flag_names(0), [""; 0]);
        assert_eq!(flag_names(0x1400_0004), ["SA_SIGINFO", "SA_RESTORER", "SA_RESTART"]);
        assert_eq!(flag_names(0x8000_0100), ["SA_RESETHAND", "0x100"]);
    }
}
