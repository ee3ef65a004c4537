//! System calls (seccomp(2)). What is not on the list fails with `EPERM` and is logged by the kernel.
//!
//! It fails rather than ends the exporter: a call that some library makes for the first time after an update then costs what
//! it was made for, and not the counts.
#![expect(unsafe_code, reason = "a filter with its flags has no safe wrapper")]

use std::{collections::BTreeMap, io, os::fd::RawFd};

use aya_obj::generated::bpf_cmd;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpArgLen::Qword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use super::Needs;

/// System calls by number, each with the arguments that it may have; any, where there is nothing.
pub(super) type Calls = BTreeMap<i64, Vec<SeccompRule>>;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: TargetArch = TargetArch::aarch64;

/// Memory, threads, signals, clocks: what every program with threads does, whatever it is for.
const RUN: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
];

/// Reading files and directories.
const READ: &[i64] = &[
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_statx,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
];

/// What the exporter does beside that.
const EXPORT: &[i64] = &[
    // Which files, Landlock says.
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fcntl,
    libc::SYS_fstatfs,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_pread64,
    libc::SYS_readv,
    libc::SYS_statfs,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    // Waiting.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    // Serving.
    libc::SYS_accept4,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    // Waiting until no program in the kernel uses rules that are about to change.
    libc::SYS_membarrier,
    // About itself and the machine.
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getrusage,
    libc::SYS_getuid,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

/// Keeping events in a directory.
const QUEUE: &[i64] = &[
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
];

/// Asking others: runtimes, collectors, and who knows their addresses.
const ASK: &[i64] = &[libc::SYS_connect, libc::SYS_recvmmsg, libc::SYS_sendmmsg];

/// The lengths of addresses of the internet. musl binds the socket by which it asks for the address of a name. A filter sees of an
/// address its length alone, and Landlock binds no port of TCP.
const INTERNET: [usize; 2] = [size_of::<libc::sockaddr_in>(), size_of::<libc::sockaddr_in6>()];

/// What is done with maps and programs that are there.
const BPF: &[bpf_cmd] = &[
    bpf_cmd::BPF_MAP_LOOKUP_ELEM,
    bpf_cmd::BPF_MAP_UPDATE_ELEM,
    bpf_cmd::BPF_MAP_DELETE_ELEM,
    bpf_cmd::BPF_MAP_GET_NEXT_KEY,
    bpf_cmd::BPF_MAP_LOOKUP_AND_DELETE_ELEM,
    bpf_cmd::BPF_MAP_LOOKUP_BATCH,
    bpf_cmd::BPF_MAP_LOOKUP_AND_DELETE_BATCH,
    bpf_cmd::BPF_MAP_DELETE_BATCH,
    bpf_cmd::BPF_OBJ_GET_INFO_BY_FD,
];

/// Loading and attaching programs for traces.
const BPF_LOAD: &[bpf_cmd] = &[
    bpf_cmd::BPF_MAP_CREATE,
    bpf_cmd::BPF_MAP_FREEZE,
    bpf_cmd::BPF_PROG_LOAD,
    bpf_cmd::BPF_BTF_LOAD,
    bpf_cmd::BPF_RAW_TRACEPOINT_OPEN,
    bpf_cmd::BPF_LINK_CREATE,
    bpf_cmd::BPF_LINK_DETACH,
];

/// What the kernel tells a program when it begins (include/uapi/linux/prctl.h).
const PR_GET_AUXV: i32 = 0x4155_5856;

/// What a thread does to itself: it has a name, names its memory, and asks what it was told when it began.
const PRCTL: [i32; 4] = [libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_VMA, PR_GET_AUXV];

/// What tells the C library whether an open file is a terminal.
const IS_TERMINAL: libc::Ioctl = if cfg!(target_env = "musl") { libc::TIOCGWINSZ } else { libc::TCGETS };

/// What is asked of open files: whether they are terminals, how much is there to read, and not to be waited for.
const IOCTL: [libc::Ioctl; 3] = [IS_TERMINAL, libc::FIONREAD, libc::FIONBIO];

/// What the exporter does from now on.
pub(super) fn exporter(needs: &Needs<'_>) -> Calls {
    let mut calls = Calls::new();
    for call in [RUN, READ, EXPORT].concat() {
        calls.insert(call, Vec::new());
    }
    memory(&mut calls);
    own(&mut calls);
    let mut commands = BPF.to_vec();
    if needs.traces {
        commands.extend(BPF_LOAD);
        calls.insert(libc::SYS_perf_event_open, Vec::new());
    }
    calls.insert(libc::SYS_bpf, commands.into_iter().map(|command| rule([is(0, command as u64)])).collect());
    calls.insert(libc::SYS_prctl, PRCTL.iter().map(|option| rule([is(0, *option as u64)])).collect());
    calls.insert(libc::SYS_ioctl, IOCTL.iter().map(|request| rule([is(1, u64::from(*request as u32))])).collect());
    // Reading its own limits and nobody else's, and setting none.
    calls.insert(libc::SYS_prlimit64, vec![rule([is(0, 0), condition(2, Qword, SeccompCmpOp::Eq, 0)])]);
    // A thread, in the same namespaces. Of `clone3` a filter sees nothing: who asks for it is told that there is none.
    let thread = libc::CLONE_THREAD as u64;
    let namespaces = [
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWUTS,
    ];
    let flags = namespaces.iter().fold(thread, |flags, flag| flags | *flag as u64);
    calls.insert(libc::SYS_clone, vec![rule([condition(0, Qword, SeccompCmpOp::MaskedEq(flags), thread)])]);
    calls.insert(libc::SYS_clone3, Vec::new());
    calls.insert(libc::SYS_rseq, Vec::new());
    if needs.queue().is_some() {
        calls.extend(QUEUE.iter().map(|call| (*call, Vec::new())));
    }
    let notifies = std::env::var_os("NOTIFY_SOCKET").is_some();
    if needs.otlp() || needs.runtimes() || notifies {
        calls.extend(ASK.iter().map(|call| (*call, Vec::new())));
        let inet: &[i32] = if needs.otlp() { &[libc::AF_INET, libc::AF_INET6] } else { &[] };
        let families = inet.iter().chain(&[libc::AF_UNIX]);
        calls.insert(libc::SYS_socket, families.map(|family| rule([is(0, *family as u64)])).collect());
    }
    if needs.otlp() && cfg!(target_env = "musl") {
        calls.insert(libc::SYS_bind, INTERNET.map(|length| rule([is(2, length as u64)])).into());
    }
    calls.insert(libc::SYS_socketpair, vec![rule([is(0, libc::AF_UNIX as u64)])]);
    calls
}

/// What the helper does: it looks at files that are already there, and writes to nothing but its socket and the log.
pub(super) fn helper(socket: Option<RawFd>) -> Calls {
    let mut calls = Calls::new();
    for call in [RUN, READ].concat() {
        calls.insert(call, Vec::new());
    }
    memory(&mut calls);
    own(&mut calls);
    // musl's O_ACCMODE has O_PATH in it.
    let changing = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND;
    // O_TMPFILE holds O_DIRECTORY, and works with none of the above missing.
    let read_only = condition(2, Dword, SeccompCmpOp::MaskedEq(changing as u64), libc::O_RDONLY as u64);
    calls.insert(libc::SYS_openat, vec![rule([read_only])]);
    let written = socket.into_iter().chain([libc::STDERR_FILENO]);
    calls.insert(libc::SYS_write, written.map(|fd| rule([is(0, fd as u64)])).collect());
    if let Some(socket) = socket {
        for call in [libc::SYS_recvfrom, libc::SYS_sendto] {
            calls.insert(call, vec![rule([is(0, socket as u64)])]);
        }
    }
    calls
}

/// Memory that is never code.
fn memory(calls: &mut Calls) {
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let no_code = condition(2, Dword, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0);
        calls.insert(call, vec![rule([no_code])]);
    }
}

/// Signals to its own threads, such as that by which it ends when something is badly wrong.
fn own(calls: &mut Calls) {
    calls.insert(libc::SYS_tgkill, vec![rule([is(0, std::process::id().into())])]);
}

fn is(argument: u8, value: u64) -> SeccompCondition {
    condition(argument, Dword, SeccompCmpOp::Eq, value)
}

fn condition(
    argument: u8,
    length: seccompiler::SeccompCmpArgLen,
    operator: SeccompCmpOp,
    value: u64,
) -> SeccompCondition {
    SeccompCondition::new(argument, length, operator, value).expect("a call has six arguments")
}

fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> SeccompRule {
    SeccompRule::new(conditions.into()).expect("there is a condition")
}

/// Leaves this thread, and all that it makes, these calls. `no_new_privs` must be set.
pub(super) fn install(calls: &Calls) -> io::Result<()> {
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let none = SeccompAction::Errno(libc::ENOSYS as u32);
    // The list comes last: it does not allow another one.
    let lists = [
        (Calls::from([(libc::SYS_clone3, Vec::new())]), SeccompAction::Allow, none),
        (calls.clone(), refused, SeccompAction::Allow),
    ];
    for (calls, others, these) in lists {
        let filter = SeccompFilter::new(calls, others, these, ARCHITECTURE).map_err(io::Error::other)?;
        load(&filter.try_into().map_err(io::Error::other)?)?;
    }
    Ok(())
}

fn load(program: &BpfProgram) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    // Both types are `struct sock_filter`.
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_LOG);
    // SAFETY: the kernel copies as many instructions as there are.
    match unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn needs(config: &Config, traces: bool) -> Needs<'_> {
        Needs { config, config_file: None, web_files: &[], tracefs: None, traces }
    }

    #[test]
    fn the_lists_compile() {
        let config = crate::config::load(None, [], &crate::config::Flags::default()).expect("the defaults");
        let needs = needs(&config, true);
        for calls in [exporter(&needs), helper(Some(7)), helper(None)] {
            let (refused, allowed) = (SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow);
            let filter = SeccompFilter::new(calls, refused, allowed, ARCHITECTURE).expect("a list");
            BpfProgram::try_from(filter).expect("it is short enough");
        }
    }

    #[test]
    fn what_is_off_needs_no_calls() {
        let load = |text: &str| {
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), text).expect("written");
            crate::config::load(Some(file.path()), [], &crate::config::Flags::default()).expect("it is valid")
        };
        let calls = |text: &str, traces: bool| {
            let config = load(text);
            let calls = exporter(&needs(&config, traces));
            let commands = calls[&libc::SYS_bpf].len();
            let has =
                [libc::SYS_perf_event_open, libc::SYS_connect, libc::SYS_fsync].map(|call| calls.contains_key(&call));
            let families = calls.get(&libc::SYS_socket).map_or(0, Vec::len);
            (commands, has, families)
        };
        assert_eq!(calls("", true), (BPF.len() + BPF_LOAD.len(), [true, false, false], 0));
        assert_eq!(calls("", false), (BPF.len(), [false, false, false], 0));
        let sockets = "identity: {sockets: {docker: [/run/docker.sock]}}\n";
        assert_eq!(calls(sockets, false), (BPF.len(), [false, true, false], 1));
        let otlp = "otlp: {endpoint: 'http://c:4318', logs: {directory: /q}}\n";
        assert_eq!(calls(otlp, false), (BPF.len(), [false, true, true], 3));
    }
}
