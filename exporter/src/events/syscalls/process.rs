//! What calls about processes are told.

use doubleslit_common::probes::syscall_event::ARGUMENTS;

use super::{
    decoded::Decoded,
    meaning::signal_name,
    names::{Flags, Named, named},
};

/// `CLONE_*` (include/uapi/linux/sched.h), but for the lowest byte, which is the signal of `clone`.
pub(super) static CLONE: Flags = Flags::of(&[
    (libc::CLONE_VM as u64, "CLONE_VM"),
    (libc::CLONE_FS as u64, "CLONE_FS"),
    (libc::CLONE_FILES as u64, "CLONE_FILES"),
    (libc::CLONE_SIGHAND as u64, "CLONE_SIGHAND"),
    (libc::CLONE_PIDFD as u64, "CLONE_PIDFD"),
    (libc::CLONE_PTRACE as u64, "CLONE_PTRACE"),
    (libc::CLONE_VFORK as u64, "CLONE_VFORK"),
    (libc::CLONE_PARENT as u64, "CLONE_PARENT"),
    (libc::CLONE_THREAD as u64, "CLONE_THREAD"),
    (libc::CLONE_NEWNS as u64, "CLONE_NEWNS"),
    (libc::CLONE_SYSVSEM as u64, "CLONE_SYSVSEM"),
    (libc::CLONE_SETTLS as u64, "CLONE_SETTLS"),
    (libc::CLONE_PARENT_SETTID as u64, "CLONE_PARENT_SETTID"),
    (libc::CLONE_CHILD_CLEARTID as u64, "CLONE_CHILD_CLEARTID"),
    (libc::CLONE_DETACHED as u64, "CLONE_DETACHED"),
    (libc::CLONE_UNTRACED as u64, "CLONE_UNTRACED"),
    (libc::CLONE_CHILD_SETTID as u64, "CLONE_CHILD_SETTID"),
    (libc::CLONE_NEWCGROUP as u64, "CLONE_NEWCGROUP"),
    (libc::CLONE_NEWUTS as u64, "CLONE_NEWUTS"),
    (libc::CLONE_NEWIPC as u64, "CLONE_NEWIPC"),
    (libc::CLONE_NEWUSER as u64, "CLONE_NEWUSER"),
    (libc::CLONE_NEWPID as u64, "CLONE_NEWPID"),
    (libc::CLONE_NEWNET as u64, "CLONE_NEWNET"),
    // As a number without a sign: in the crate libc it is negative.
    (libc::CLONE_IO as u32 as u64, "CLONE_IO"),
    (0x1_0000_0000, "CLONE_CLEAR_SIGHAND"),
    (0x2_0000_0000, "CLONE_INTO_CGROUP"),
]);

/// The same for `unshare` and `setns`, where a bit of the lowest byte is a flag.
pub(super) static NAMESPACES: Flags = Flags::of(&[
    (0x80, "CLONE_NEWTIME"),
    (libc::CLONE_FS as u64, "CLONE_FS"),
    (libc::CLONE_FILES as u64, "CLONE_FILES"),
    (libc::CLONE_SIGHAND as u64, "CLONE_SIGHAND"),
    (libc::CLONE_VM as u64, "CLONE_VM"),
    (libc::CLONE_THREAD as u64, "CLONE_THREAD"),
    (libc::CLONE_SYSVSEM as u64, "CLONE_SYSVSEM"),
    (libc::CLONE_NEWNS as u64, "CLONE_NEWNS"),
    (libc::CLONE_NEWCGROUP as u64, "CLONE_NEWCGROUP"),
    (libc::CLONE_NEWUTS as u64, "CLONE_NEWUTS"),
    (libc::CLONE_NEWIPC as u64, "CLONE_NEWIPC"),
    (libc::CLONE_NEWUSER as u64, "CLONE_NEWUSER"),
    (libc::CLONE_NEWPID as u64, "CLONE_NEWPID"),
    (libc::CLONE_NEWNET as u64, "CLONE_NEWNET"),
]);

/// `CSIGNAL`: the signal that tells the parent of the end.
const EXIT_SIGNAL: u64 = 0xff;

/// What `clone` is told: flags, and behind them the signal, if there is one.
pub(super) fn clone_flags(value: u64, _arguments: &[u64; ARGUMENTS]) -> Decoded {
    // The kernel looks at no more of them.
    let value = value & u64::from(u32::MAX);
    let mut names = CLONE.names(value & !EXIT_SIGNAL);
    if value & EXIT_SIGNAL != 0 {
        names.push(match signal_name(value & EXIT_SIGNAL) {
            Decoded::Text(name) => name,
            _ => format!("{:#x}", value & EXIT_SIGNAL),
        });
    }
    Decoded::Texts(names)
}

/// `PTRACE_*` (include/uapi/linux/ptrace.h).
pub(super) static PTRACE: &[Named] = named![
    PTRACE_TRACEME,
    PTRACE_PEEKTEXT,
    PTRACE_PEEKDATA,
    PTRACE_PEEKUSER,
    PTRACE_POKETEXT,
    PTRACE_POKEDATA,
    PTRACE_POKEUSER,
    PTRACE_CONT,
    PTRACE_KILL,
    PTRACE_SINGLESTEP,
    PTRACE_GETREGS,
    PTRACE_SETREGS,
    PTRACE_GETFPREGS,
    PTRACE_SETFPREGS,
    PTRACE_ATTACH,
    PTRACE_DETACH,
    PTRACE_SYSCALL,
    PTRACE_SETOPTIONS,
    PTRACE_GETEVENTMSG,
    PTRACE_GETSIGINFO,
    PTRACE_SETSIGINFO,
    PTRACE_GETREGSET,
    PTRACE_SETREGSET,
    PTRACE_SEIZE,
    PTRACE_INTERRUPT,
    PTRACE_LISTEN,
    PTRACE_PEEKSIGINFO,
    PTRACE_GETSIGMASK,
    PTRACE_SETSIGMASK,
    PTRACE_GET_SYSCALL_INFO = 0x420e,
];

/// `RLIMIT_*` (include/uapi/asm-generic/resource.h).
pub(super) static RESOURCE: &[Named] = named![
    RLIMIT_CPU,
    RLIMIT_FSIZE,
    RLIMIT_DATA,
    RLIMIT_STACK,
    RLIMIT_CORE,
    RLIMIT_RSS,
    RLIMIT_NPROC,
    RLIMIT_NOFILE,
    RLIMIT_MEMLOCK,
    RLIMIT_AS,
    RLIMIT_LOCKS,
    RLIMIT_SIGPENDING,
    RLIMIT_MSGQUEUE,
    RLIMIT_NICE,
    RLIMIT_RTPRIO,
    RLIMIT_RTTIME,
];

/// `SECCOMP_*` (include/uapi/linux/seccomp.h).
pub(super) static SECCOMP: &[Named] =
    named![SECCOMP_SET_MODE_STRICT, SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL, SECCOMP_GET_NOTIF_SIZES];

/// What a filter of `seccomp` is set with.
pub(super) static SECCOMP_FILTER: Flags = Flags::of(named![
    SECCOMP_FILTER_FLAG_TSYNC,
    SECCOMP_FILTER_FLAG_LOG,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    SECCOMP_FILTER_FLAG_NEW_LISTENER,
    SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
]);

/// `PR_*` (include/uapi/linux/prctl.h).
pub(super) static PRCTL: &[Named] = named![
    PR_SET_PDEATHSIG,
    PR_GET_PDEATHSIG,
    PR_GET_DUMPABLE,
    PR_SET_DUMPABLE,
    PR_GET_KEEPCAPS,
    PR_SET_KEEPCAPS,
    PR_GET_TIMING,
    PR_SET_TIMING,
    PR_SET_NAME,
    PR_GET_NAME,
    PR_GET_SECCOMP,
    PR_SET_SECCOMP,
    PR_CAPBSET_READ,
    PR_CAPBSET_DROP,
    PR_GET_SECUREBITS,
    PR_SET_SECUREBITS,
    PR_SET_TIMERSLACK,
    PR_GET_TIMERSLACK,
    PR_SET_MM,
    PR_SET_PTRACER,
    PR_SET_CHILD_SUBREAPER,
    PR_GET_CHILD_SUBREAPER,
    PR_SET_NO_NEW_PRIVS,
    PR_GET_NO_NEW_PRIVS,
    PR_GET_TID_ADDRESS,
    PR_SET_THP_DISABLE,
    PR_GET_THP_DISABLE,
    PR_CAP_AMBIENT,
    PR_GET_SPECULATION_CTRL = 52,
    PR_SET_SPECULATION_CTRL = 53,
    PR_SET_VMA,
];

static FUTEX: &[Named] = named![
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_FD,
    FUTEX_REQUEUE,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_LOCK_PI,
    FUTEX_UNLOCK_PI,
    FUTEX_TRYLOCK_PI,
    FUTEX_WAIT_BITSET,
    FUTEX_WAKE_BITSET,
    FUTEX_WAIT_REQUEUE_PI,
    FUTEX_CMP_REQUEUE_PI,
    FUTEX_LOCK_PI2,
];

/// What `futex` is told to do, and its flags (include/uapi/linux/futex.h).
pub(super) static FUTEX_OPERATION: Flags = Flags {
    choice: (libc::FUTEX_CMD_MASK as u32 as u64, FUTEX),
    flags: named![FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME],
};

/// What `wait4` is told.
pub(super) static WAIT: Flags = Flags::of(named![WNOHANG, WUNTRACED, WCONTINUED, WEXITED, WNOWAIT]);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::names::encode, *};

    fn names(value: u64) -> Vec<String> {
        match clone_flags(value, &[0; ARGUMENTS]) {
            Decoded::Texts(names) => names,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_of_a_container() {
        let expected = ["CLONE_NEWNS", "CLONE_NEWUTS", "CLONE_NEWIPC", "CLONE_NEWPID", "CLONE_NEWNET", "SIGCHLD"];
        assert_eq!(names(0x6c02_0011), expected);
        assert_eq!(names(0), [""; 0]);
        assert_eq!(names(0x8000_0000 | 0x7f), ["CLONE_IO", "0x7f"]);
        assert_eq!(CLONE.names(0x2_0000_0000), ["CLONE_INTO_CGROUP"]);
    }

    proptest! {
        #[test]
        fn names_tell_flags_and_signal_of_a_clone(value: u32) {
            let mut names = names(value.into());
            let mut signal = 0;
            if value & 0xff != 0 {
                let name = names.pop().expect("the signal is the last name");
                let number = (1..65).find(|number| crate::probes::signal::name(*number) == name);
                signal = number.unwrap_or_else(|| {
                    u32::from_str_radix(name.trim_start_matches("0x"), 16).expect("a number")
                });
            }
            prop_assert_eq!(encode(&CLONE, &names) | u64::from(signal), u64::from(value));
        }
    }
}
