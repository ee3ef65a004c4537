//! What system calls are about: the class and the group of each.

use std::{collections::HashMap, sync::LazyLock};

/// The class and the group of what no kernel of today implements, and of what stands for several calls.
const UNKNOWN: (&str, &str) = ("unknown", "unknown");

/// Calls by class and group, by the names that the kernel has for them.
static GROUPS: &[(&str, &str, &str)] = &[
    (
        "file_system",
        "files",
        "close close_range copy_file_range creat fallocate ftruncate memfd_create memfd_secret mknod mknodat \
         name_to_handle_at open open_by_handle_at openat openat2 rename renameat renameat2 truncate",
    ),
    ("file_system", "directories", "chdir chroot fchdir getcwd getdents getdents64 mkdir mkdirat rmdir"),
    ("file_system", "links", "link linkat readlink readlinkat symlink symlinkat unlink unlinkat"),
    (
        "file_system",
        "basic_attributes",
        "access chmod chown faccessat faccessat2 fchmod fchmodat fchmodat2 fchown fchownat file_getattr \
         file_setattr fstat futimesat lchown lstat newfstatat stat statx umask utime utimensat utimensat_time64 \
         utimes",
    ),
    (
        "file_system",
        "extended_attributes",
        "fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat \
         llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat",
    ),
    ("file_system", "descriptors", "dup dup2 dup3 fcntl flock ioctl"),
    (
        "file_system",
        "read_write",
        "lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readv sendfile splice tee vmsplice write \
         writev",
    ),
    ("file_system", "synchronized_io", "fdatasync fsync msync sync sync_file_range syncfs"),
    (
        "file_system",
        "asynchronous_io",
        "io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit io_uring_enter \
         io_uring_register io_uring_setup",
    ),
    (
        "file_system",
        "multiplexed_io",
        "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait poll ppoll ppoll_time64 \
         pselect6 pselect6_time64 select",
    ),
    (
        "file_system",
        "monitoring",
        "fanotify_init fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch",
    ),
    ("file_system", "miscellaneous", "cachestat fadvise64 readahead"),
    (
        "network",
        "sockets",
        "accept accept4 bind connect getpeername getsockname getsockopt listen setsockopt shutdown socket \
         socketpair",
    ),
    ("network", "io", "recvfrom recvmmsg recvmmsg_time64 recvmsg sendmmsg sendmsg sendto"),
    ("network", "naming", "setdomainname sethostname uname"),
    ("network", "filtering", "bpf"),
    ("time", "time_of_day", "gettimeofday settimeofday time"),
    (
        "time",
        "posix_clocks",
        "clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 \
         clock_nanosleep clock_nanosleep_time64 clock_settime clock_settime64",
    ),
    (
        "time",
        "clock_timers",
        "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64",
    ),
    ("time", "system_timers", "alarm getitimer setitimer"),
    (
        "time",
        "file_descriptor_timers",
        "timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
    ),
    ("time", "miscellaneous", "adjtimex nanosleep times"),
    (
        "system",
        "kernel",
        "delete_module finit_module init_module kexec_file_load kexec_load perf_event_open reboot sysinfo syslog \
         uprobe uretprobe",
    ),
    ("system", "accounting", "acct quotactl quotactl_fd"),
    (
        "system",
        "security",
        "add_key capget capset keyctl landlock_add_rule landlock_create_ruleset landlock_restrict_self \
         lsm_get_self_attr lsm_list_modules lsm_set_self_attr request_key seccomp",
    ),
    (
        "system",
        "privileged_file_system",
        "fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr pivot_root \
         swapoff swapon umount2",
    ),
    ("system", "unprivileged_file_system", "fstatfs listmount statfs statmount sysfs ustat"),
    ("system", "miscellaneous", "getcpu getrandom ioperm iopl vhangup"),
    ("signals", "standard", "kill pause tgkill tkill"),
    (
        "signals",
        "real_time",
        "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait \
         rt_sigtimedwait_time64 rt_tgsigqueueinfo",
    ),
    ("signals", "file_descriptor", "eventfd eventfd2 pidfd_send_signal signalfd signalfd4"),
    ("signals", "miscellaneous", "restart_syscall sigaltstack"),
    ("ipc", "pipes", "pipe pipe2"),
    ("ipc", "shared_memory", "shmat shmctl shmdt shmget"),
    ("ipc", "semaphore", "semctl semget semop semtimedop semtimedop_time64"),
    (
        "ipc",
        "futex",
        "futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list set_robust_list",
    ),
    (
        "ipc",
        "message_queues",
        "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 \
         mq_unlink msgctl msgget msgrcv msgsnd",
    ),
    ("process_management", "execution", "execve execveat personality"),
    (
        "process_management",
        "process",
        "clone clone3 exit exit_group fork getpid getppid kcmp pidfd_getfd pidfd_open prctl process_mrelease \
         process_vm_readv process_vm_writev ptrace vfork wait4 waitid",
    ),
    ("process_management", "session", "getsid setsid"),
    ("process_management", "group", "getpgid getpgrp setpgid"),
    (
        "process_management",
        "user",
        "getegid geteuid getgid getgroups getresgid getresuid getuid setfsgid setfsuid setgid setgroups setregid \
         setresgid setresuid setreuid setuid",
    ),
    ("process_management", "namespace", "setns unshare"),
    (
        "process_management",
        "scheduling",
        "getpriority ioprio_get ioprio_set sched_get_priority_max sched_get_priority_min sched_getaffinity \
         sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 \
         sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield setpriority",
    ),
    ("process_management", "resources", "getrlimit getrusage prlimit64 setrlimit"),
    (
        "process_management",
        "virtual_memory",
        "brk get_mempolicy madvise map_shadow_stack mbind migrate_pages mincore mlock mlock2 mlockall mmap \
         move_pages mprotect mremap mseal munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect \
         process_madvise remap_file_pages set_mempolicy set_mempolicy_home_node userfaultfd",
    ),
    (
        "process_management",
        "threading",
        "arch_prctl get_thread_area gettid membarrier modify_ldt rseq set_thread_area set_tid_address",
    ),
];

/// The class and the group of a call with a name; both are `unknown` if it is not known.
pub(super) fn of(call: &str) -> (&'static str, &'static str) {
    static BY_NAME: LazyLock<HashMap<&str, (&str, &str)>> = LazyLock::new(|| {
        let named = |(class, group, calls): &(&'static str, &'static str, &'static str)| {
            let of = (*class, *group);
            calls.split(' ').map(move |call| (call, of))
        };
        GROUPS.iter().flat_map(named).collect()
    });
    BY_NAME.get(call).copied().unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::names, *};

    /// Calls that have a number, but that today's kernels answer with `ENOSYS`.
    const NOT_IMPLEMENTED: [&str; 15] = [
        "_sysctl",
        "afs_syscall",
        "create_module",
        "epoll_ctl_old",
        "epoll_wait_old",
        "get_kernel_syms",
        "getpmsg",
        "lookup_dcookie",
        "nfsservctl",
        "putpmsg",
        "query_module",
        "security",
        "tuxcall",
        "uselib",
        "vserver",
    ];

    #[test]
    fn every_call_has_its_class_and_group() {
        let of_x86_64 = syscalls::x86_64::Sysno::iter().map(|call| call.name());
        let of_aarch64 = syscalls::aarch64::Sysno::iter().map(|call| call.name());
        let calls: BTreeSet<_> = of_x86_64.chain(of_aarch64).map(names::kernels).collect();
        assert!(calls.len() > 370, "{} calls", calls.len());
        let without: Vec<_> = calls.iter().copied().filter(|call| of(call) == UNKNOWN).collect();
        assert_eq!(without, NOT_IMPLEMENTED);
    }

    #[test]
    fn classes_and_groups_are_documented() {
        let document = include_str!("../../../../docs/syscalls.md");
        let named: BTreeSet<_> = document
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .filter_map(|line| line.split_once("` | "))
            .flat_map(|(class, groups)| {
                let groups = groups.split('`').skip(1).step_by(2);
                groups.map(move |group| (class, group))
            })
            .collect();
        assert_eq!(named, GROUPS.iter().map(|(class, group, _)| (*class, *group)).chain([UNKNOWN]).collect());
    }

    #[test]
    fn a_call_is_in_one_group() {
        let named: Vec<_> = GROUPS.iter().flat_map(|(_, _, calls)| calls.split(' ')).collect();
        assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len());
        let groups: Vec<_> = GROUPS.iter().map(|(class, group, _)| (class, group)).collect();
        assert_eq!(groups.iter().collect::<BTreeSet<_>>().len(), groups.len());
        assert!(GROUPS.iter().all(|(_, _, calls)| calls.split(' ').is_sorted()));
    }

    #[test]
    fn newer_calls_too() {
        for (call, expected) in [
            ("openat", ("file_system", "files")),
            ("clone3", ("process_management", "process")),
            ("rseq", ("process_management", "threading")),
            ("io_uring_enter", ("file_system", "asynchronous_io")),
            ("compat", UNKNOWN),
            ("1000", UNKNOWN),
        ] {
            assert_eq!(of(call), expected, "{call}");
        }
    }
}
