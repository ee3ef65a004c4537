//! The calls whose arguments say more than their types: what each argument means, in its order.
//!
//! Calls that are not here have their arguments as the registers have them.

use super::{
    files,
    meaning::{
        Bytes,
        Meaning::{self, Directory, Flags, Hex, Mode, Number, Of, One, Signal, Text, Texts, WrittenText},
    },
    memory, process, sockets,
    structures::{self, buffer, itimerspec, rlimit, timespec},
    times,
};

/// What the arguments of a call mean; nothing for one that is not here.
pub(super) fn meanings(call: &str) -> Option<&'static [Meaning]> {
    CALLS.iter().find(|(name, _)| *name == call).map(|(_, meanings)| *meanings)
}

/// Bytes that a call reads, as many as an argument says.
const fn input(length: u8) -> Meaning {
    Meaning::Bytes(Bytes::sized(length, buffer).late())
}

/// Bytes that a call writes and counts.
const OUTPUT: Meaning = Meaning::Bytes(Bytes::returned(buffer));

/// The address of a socket that a call reads.
const fn address(length: u8) -> Meaning {
    Meaning::Bytes(Bytes::sized(length, sockets::address))
}

/// The one that a call writes.
const fn written_address(length: u8) -> Meaning {
    Meaning::Bytes(Bytes::told(length, sockets::address))
}

const TIME: Meaning = Meaning::Bytes(Bytes::read(16, timespec));
const WRITTEN_TIME: Meaning = Meaning::Bytes(Bytes::written(16, timespec));
const TIMER: Meaning = Meaning::Bytes(Bytes::read(32, itimerspec));
const WRITTEN_TIMER: Meaning = Meaning::Bytes(Bytes::written(32, itimerspec));
const LIMIT: Meaning = Meaning::Bytes(Bytes::read(16, rlimit));
const WRITTEN_LIMIT: Meaning = Meaning::Bytes(Bytes::written(16, rlimit));
const STAT: Meaning = Meaning::Bytes(Bytes::written(size_of::<libc::stat>(), structures::stat));
const STATFS: Meaning = Meaning::Bytes(Bytes::written(size_of::<libc::statfs>(), structures::statfs));

#[rustfmt::skip]
static CALLS: &[(&str, &[Meaning])] = &[
    // Files by their paths.
    ("open", &[Text, Flags(&files::OPEN), Mode]),
    ("openat", &[Directory, Text, Flags(&files::OPEN), Mode]),
    ("openat2", &[Directory, Text, Hex, Number]),
    ("creat", &[Text, Mode]),
    ("access", &[Text, Flags(&files::ACCESS)]),
    ("faccessat", &[Directory, Text, Flags(&files::ACCESS)]),
    ("faccessat2", &[Directory, Text, Flags(&files::ACCESS), Flags(&files::AT_ACCESS)]),
    ("acct", &[Text]),
    ("chdir", &[Text]),
    ("fchdir", &[Number]),
    ("chroot", &[Text]),
    ("chmod", &[Text, Mode]),
    ("fchmod", &[Number, Mode]),
    ("fchmodat", &[Directory, Text, Mode]),
    ("chown", &[Text, Number, Number]),
    ("lchown", &[Text, Number, Number]),
    ("fchown", &[Number, Number, Number]),
    ("fchownat", &[Directory, Text, Number, Number, Flags(&files::AT)]),
    ("mkdir", &[Text, Mode]),
    ("mkdirat", &[Directory, Text, Mode]),
    ("mknod", &[Text, Mode, Hex]),
    ("mknodat", &[Directory, Text, Mode, Hex]),
    ("rmdir", &[Text]),
    ("unlink", &[Text]),
    ("unlinkat", &[Directory, Text, Flags(&files::AT_UNLINK)]),
    ("link", &[Text, Text]),
    ("linkat", &[Directory, Text, Directory, Text, Flags(&files::AT)]),
    ("symlink", &[Text, Text]),
    ("symlinkat", &[Text, Directory, Text]),
    ("rename", &[Text, Text]),
    ("renameat", &[Directory, Text, Directory, Text]),
    ("renameat2", &[Directory, Text, Directory, Text, Hex]),
    ("readlink", &[Text, OUTPUT, Number]),
    ("readlinkat", &[Directory, Text, OUTPUT, Number]),
    ("truncate", &[Text, Number]),
    ("getcwd", &[WrittenText, Number]),
    ("stat", &[Text, STAT]),
    ("lstat", &[Text, STAT]),
    ("newfstatat", &[Directory, Text, STAT, Flags(&files::AT)]),
    ("statx", &[Directory, Text, Flags(&files::AT), Hex, Hex]),
    ("statfs", &[Text, STATFS]),
    ("inotify_add_watch", &[Number, Text, Flags(&files::INOTIFY)]),
    ("mount", &[Text, Text, Text, Flags(&files::MOUNT), Hex]),
    ("umount2", &[Text, Flags(&files::UNMOUNT)]),
    ("pivot_root", &[Text, Text]),
    // Open files.
    ("close", &[Number]),
    ("read", &[Number, OUTPUT, Number]),
    ("pread64", &[Number, OUTPUT, Number, Number]),
    ("write", &[Number, input(2), Number]),
    ("pwrite64", &[Number, input(2), Number, Number]),
    ("lseek", &[Number, Number, One(files::SEEK)]),
    ("fstat", &[Number, STAT]),
    ("fstatfs", &[Number, STATFS]),
    ("ftruncate", &[Number, Number]),
    ("fsync", &[Number]),
    ("fdatasync", &[Number]),
    ("fcntl", &[Number, One(files::FCNTL), Hex]),
    ("ioctl", &[Number, Hex, Hex]),
    ("dup", &[Number]),
    ("dup2", &[Number, Number]),
    ("dup3", &[Number, Number, Flags(&files::OPEN)]),
    ("pipe2", &[Hex, Flags(&files::OPEN)]),
    ("getdents", &[Number, Hex, Number]),
    ("getdents64", &[Number, Hex, Number]),
    ("lookup_dcookie", &[Number, WrittenText, Number]),
    ("epoll_wait", &[Number, Hex, Number, Number]),
    ("poll", &[Hex, Number, Number]),
    ("select", &[Number, Hex, Hex, Hex, Hex]),
    // Sockets.
    ("socket", &[One(sockets::FAMILY), Flags(&sockets::TYPE), Of(sockets::protocol)]),
    ("socketpair", &[One(sockets::FAMILY), Flags(&sockets::TYPE), Of(sockets::protocol), Hex]),
    ("bind", &[Number, address(2), Number]),
    ("connect", &[Number, address(2), Number]),
    ("listen", &[Number, Number]),
    ("accept", &[Number, written_address(2), Hex]),
    ("accept4", &[Number, written_address(2), Hex, Flags(&sockets::ACCEPT)]),
    ("getsockname", &[Number, written_address(2), Hex]),
    ("getpeername", &[Number, written_address(2), Hex]),
    ("sendto", &[Number, input(2), Number, Flags(&sockets::MESSAGE), address(5), Number]),
    ("recvfrom", &[Number, OUTPUT, Number, Flags(&sockets::MESSAGE), written_address(5), Hex]),
    ("sendmsg", &[Number, Hex, Flags(&sockets::MESSAGE)]),
    ("recvmsg", &[Number, Hex, Flags(&sockets::MESSAGE)]),
    ("shutdown", &[Number, One(sockets::SHUTDOWN)]),
    ("setsockopt", &[
        Number, One(sockets::LEVEL), Of(sockets::option), Meaning::Bytes(Bytes::sized(4, structures::option)), Number,
    ]),
    ("getsockopt", &[
        Number, One(sockets::LEVEL), Of(sockets::option), Meaning::Bytes(Bytes::told(4, structures::option)), Hex,
    ]),
    // Processes.
    ("execve", &[Text, Texts, Hex]),
    ("execveat", &[Directory, Text, Texts, Hex, Flags(&files::AT)]),
    ("clone", &[Of(process::clone_flags), Hex, Hex, Hex, Hex]),
    ("clone3", &[Meaning::Bytes(Bytes::sized(1, structures::clone_args)), Number]),
    ("unshare", &[Flags(&process::NAMESPACES)]),
    ("setns", &[Number, Flags(&process::NAMESPACES)]),
    ("exit", &[Number]),
    ("exit_group", &[Number]),
    ("wait4", &[Number, Hex, Flags(&process::WAIT), Hex]),
    ("kill", &[Number, Signal]),
    ("tkill", &[Number, Signal]),
    ("tgkill", &[Number, Number, Signal]),
    ("pidfd_send_signal", &[Number, Signal, Hex, Hex]),
    ("rt_sigqueueinfo", &[Number, Signal, Hex]),
    ("rt_sigaction", &[Signal, Hex, Hex, Number]),
    ("ptrace", &[One(process::PTRACE), Number, Hex, Hex]),
    ("prctl", &[One(process::PRCTL), Hex, Hex, Hex, Hex]),
    ("seccomp", &[One(process::SECCOMP), Flags(&process::SECCOMP_FILTER), Hex]),
    ("prlimit64", &[Number, One(process::RESOURCE), LIMIT, WRITTEN_LIMIT]),
    ("getrlimit", &[One(process::RESOURCE), WRITTEN_LIMIT]),
    ("setrlimit", &[One(process::RESOURCE), LIMIT]),
    ("setuid", &[Number]),
    ("setgid", &[Number]),
    ("setreuid", &[Number, Number]),
    ("setresuid", &[Number, Number, Number]),
    ("futex", &[Hex, Flags(&process::FUTEX_OPERATION), Number, Hex, Hex, Hex]),
    ("init_module", &[Hex, Number, Text]),
    ("finit_module", &[Number, Text, Hex]),
    ("syslog", &[Number, OUTPUT, Number]),
    ("sethostname", &[input(1), Number]),
    // Memory.
    ("brk", &[Hex]),
    ("mmap", &[Hex, Number, Flags(&memory::PROTECTION), Flags(&memory::MAP), Number, Hex]),
    ("munmap", &[Hex, Number]),
    ("mprotect", &[Hex, Number, Flags(&memory::PROTECTION)]),
    ("madvise", &[Hex, Number, One(memory::ADVICE)]),
    ("mincore", &[Hex, Number, Hex]),
    ("mlock", &[Hex, Number]),
    ("membarrier", &[One(memory::BARRIER), Hex]),
    // Time.
    ("alarm", &[Number]),
    ("nanosleep", &[TIME, WRITTEN_TIME]),
    ("clock_nanosleep", &[One(times::CLOCK), Flags(&times::SLEEP), TIME, WRITTEN_TIME]),
    ("clock_gettime", &[One(times::CLOCK), WRITTEN_TIME]),
    ("timerfd_create", &[One(times::CLOCK), Flags(&times::CREATE)]),
    ("timerfd_settime", &[Number, Flags(&times::SET), TIMER, WRITTEN_TIMER]),
    ("timerfd_gettime", &[Number, WRITTEN_TIMER]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{super::names::encode, *};
    use crate::probes::syscall::call_names;

    proptest! {
        #[test]
        fn names_of_flags_tell_their_value(value: u64, few in 0..0x2000_u64) {
            for (call, meanings) in CALLS {
                for flags in meanings.iter().filter_map(|meaning| if let Flags(flags) = meaning { Some(flags) } else { None }) {
                    for value in [value, few] {
                        prop_assert_eq!(encode(flags, &flags.names(value)), value, "{}", call);
                    }
                }
            }
        }
    }

    #[test]
    fn calls_are_here_once_and_have_no_more_arguments_than_there_are() {
        let names: BTreeSet<_> = CALLS.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), CALLS.len());
        assert!(CALLS.iter().all(|(_, meanings)| (1..=6).contains(&meanings.len())));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn calls_have_the_kernels_names() {
        let known: BTreeSet<_> = call_names().collect();
        let unknown: Vec<_> = CALLS.iter().map(|(name, _)| *name).filter(|name| !known.contains(name)).collect();
        assert!(unknown.is_empty(), "no calls: {unknown:?}");
    }

    /// A registry of what other tools for containers decode of calls; its last part is what they only show.
    #[test]
    fn calls_that_others_decode_are_here() {
        for call in "kill acct alarm brk close access openat open connect execve unlink faccessat syslog fstat statfs ftruncate \
             getcwd inotify_add_watch listen mkdir pivot_root rmdir chdir chroot link symlink bind socket setns prlimit64 \
             mount umount2 setuid recvfrom sendto ptrace readlink readlinkat getpeername getsockname accept accept4 mprotect \
             setsockopt getsockopt creat init_module seccomp stat clone read write rename timerfd_settime timerfd_create \
             mincore nanosleep futex exit unlinkat epoll_wait statx fcntl fdatasync fstatfs fsync getdents lookup_dcookie \
             lseek madvise membarrier mkdirat mknod mlock poll prctl fchdir linkat symlinkat recvmsg sethostname ioctl \
             rt_sigaction select"
            .split_whitespace()
        {
            assert!(meanings(call).is_some(), "{call}");
        }
    }
}
