//! System calls of which arguments and results are known.
#![expect(unsafe_code, reason = "calls are made with arguments that safe wrappers do not allow")]

use std::{ffi::CStr, mem, ptr, thread};

use anyhow::{Result, ensure};

/// No architecture has a call with this number.
pub const NO_CALL: i64 = 999;

/// How many threads make the calls of the script.
pub const THREADS: usize = 2;

/// How many calls each of them makes, behind that by which it takes its name: `script-0` or `script-1`.
pub const CALLS: usize = 100;

/// The names of the calls of the script, but for that of [`NO_CALL`].
pub const NAMES: [&str; 8] = ["prctl", "openat", "lseek", "mkdirat", "faccessat", "socket", "connect", "close"];

/// Makes a call. Returns what the kernel does: an error's number is negative.
macro_rules! call {
    ($name:ident $(, $argument:expr)*) => {{
        // SAFETY: what the arguments point to lives until the call has returned, and is as large as they say.
        let result = unsafe { libc::syscall(libc::$name, $($argument),*) };
        returned(result)
    }};
}

fn returned(result: i64) -> i64 {
    if result == -1 { -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or_default()) } else { result }
}

/// Has two threads make 100 calls each.
pub fn run() -> Result<()> {
    let names = [c"script-0", c"script-1"];
    let threads = names.map(|name| thread::spawn(move || calls(name)));
    threads.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
}

fn calls(name: &CStr) -> Result<()> {
    let peer = ipv6(1);
    ensure!(call!(SYS_prctl, libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) == 0, "the thread has no name");
    for _ in 0..CALLS / 10 {
        let file = call!(SYS_openat, libc::AT_FDCWD, c"/proc/self/stat".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        ensure!(file >= 0, "opening failed with {file}");
        let socket = call!(SYS_socket, libc::AF_INET6, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, libc::IPPROTO_TCP);
        ensure!(socket >= 0, "there is no socket: {socket}");
        let results = [
            call!(SYS_lseek, file, 0, libc::SEEK_SET),
            call!(SYS_openat, libc::AT_FDCWD, c"/there/is/no/such/file".as_ptr(), libc::O_RDWR),
            call!(SYS_mkdirat, libc::AT_FDCWD, c"/tmp".as_ptr(), 0o755),
            call!(SYS_faccessat, libc::AT_FDCWD, c"/".as_ptr(), libc::R_OK | libc::X_OK),
            call!(SYS_connect, socket, peer.as_ptr(), peer.len()),
            no_call(),
            call!(SYS_close, file),
            call!(SYS_close, socket),
        ];
        let [enoent, eexist, refused, enosys] = [libc::ENOENT, libc::EEXIST, libc::ECONNREFUSED, libc::ENOSYS];
        let expected = [0, -enoent, -eexist, 0, -refused, -enosys, 0, 0].map(i64::from);
        ensure!(results == expected, "the results were {results:?}");
    }
    Ok(())
}

fn no_call() -> i64 {
    // SAFETY: there is no such call.
    returned(unsafe { libc::syscall(NO_CALL, 1, 2, 3, 4, 5, 6) })
}

/// Makes some calls once, on this thread. Their results depend on what this process may do.
pub fn once() {
    let [v4, v6, unix, unspecified] = [ipv4(9), ipv6(9), local(c"/no/such.sock"), [0; 16].to_vec()];
    for (family, address) in
        [(libc::AF_INET, &v4), (libc::AF_INET6, &v6), (libc::AF_UNIX, &unix), (libc::AF_INET, &unspecified)]
    {
        let socket = call!(SYS_socket, family, libc::SOCK_STREAM, 0);
        call!(SYS_connect, socket, address.as_ptr(), address.len());
        call!(SYS_close, socket);
    }
    let server = call!(SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0);
    let (on, bound) = (1_i32, ipv4(8080));
    call!(SYS_setsockopt, server, libc::SOL_SOCKET, libc::SO_REUSEADDR, &raw const on, mem::size_of_val(&on));
    call!(SYS_bind, server, bound.as_ptr(), bound.len());
    call!(SYS_listen, server, 1);
    let client = call!(SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0);
    call!(SYS_connect, client, bound.as_ptr(), bound.len());
    let (mut peer, mut length) = ([0_u8; 128], 128_u32);
    let accepted = call!(SYS_accept4, server, peer.as_mut_ptr(), &raw mut length, libc::SOCK_CLOEXEC);
    length = 128;
    call!(SYS_getpeername, client, peer.as_mut_ptr(), &raw mut length);
    for socket in [server, client, accepted] {
        call!(SYS_close, socket);
    }
    call!(SYS_kill, 0x7fff_fff0, libc::SIGUSR1);
    let arguments = [c"missing".as_ptr(), c"--flag".as_ptr(), c"a b".as_ptr(), ptr::null()];
    call!(SYS_execve, c"/no/such/program".as_ptr(), arguments.as_ptr(), arguments[3..].as_ptr());
    // Neither kernel nor seccomp allows a thread without a signal handler of its process.
    call!(SYS_clone, libc::CLONE_THREAD | libc::CLONE_NEWNS | libc::SIGCHLD, 0, 0, 0, 0);
    let how = [(libc::CLONE_THREAD | libc::CLONE_NEWPID) as u64, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
    call!(SYS_clone3, how.as_ptr(), mem::size_of_val(&how));
    let texts = [c"/no/source", c"/no/target", c"tmpfs"].map(CStr::as_ptr);
    call!(SYS_mount, texts[0], texts[1], texts[2], libc::MS_RDONLY | libc::MS_NOSUID, 0);
    call!(SYS_ptrace, libc::PTRACE_ATTACH, 0x7fff_fff0, 0, 0);
    let (limit, mut old) = ([64_u64, u64::MAX], [0_u64; 2]);
    call!(SYS_prlimit64, 0x7fff_fff0, libc::RLIMIT_NOFILE, &raw const limit, old.as_mut_ptr());
    let mut time = [0_i64, 1];
    call!(SYS_nanosleep, time.as_mut_ptr(), time.as_mut_ptr());
    // An address that is nobody's.
    call!(SYS_openat, libc::AT_FDCWD, 8, libc::O_RDONLY);
    let too_long = [b'x'; 5000];
    call!(SYS_openat, libc::AT_FDCWD, too_long.as_ptr(), libc::O_RDONLY);
    no_call();
}

/// `struct sockaddr_in` of this host.
fn ipv4(port: u16) -> Vec<u8> {
    [&(libc::AF_INET as u16).to_ne_bytes()[..], &port.to_be_bytes(), &[127, 0, 0, 1], &[0; 8]].concat()
}

/// `struct sockaddr_in6` of this host.
fn ipv6(port: u16) -> Vec<u8> {
    [&(libc::AF_INET6 as u16).to_ne_bytes()[..], &port.to_be_bytes(), &[0; 4], &[0; 15], &[1], &[0; 4]].concat()
}

/// `struct sockaddr_un`.
fn local(path: &CStr) -> Vec<u8> {
    [&(libc::AF_UNIX as u16).to_ne_bytes()[..], path.to_bytes_with_nul()].concat()
}
