//! The system calls that no safe wrapper offers.
#![expect(unsafe_code, reason = "fork, signal handlers and clone3 have no safe form")]

use std::{
    ffi::CStr,
    io,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
    ptr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The highest signal number.
pub const SIGNAL_MAX: usize = 64;

/// include/uapi/linux/sched.h; the constant of the crate libc overflows.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// How long the handler of [`Disposition::Linger`] takes, in nanoseconds.
const LINGERING: u64 = 200_000_000;

/// When that handler began last.
static LINGERING_SINCE: AtomicU64 = AtomicU64::new(0);

static HANDLED: [AtomicU64; SIGNAL_MAX + 1] = [const { AtomicU64::new(0) }; SIGNAL_MAX + 1];

/// What a child does, and nothing else.
#[derive(Clone, Copy, Debug)]
pub enum Child<'a> {
    /// Exits with a status.
    Exit(i32),
    /// Sends itself a signal, whose disposition is the default one. Exits with status 99 if it survives.
    Die(i32),
    /// Writes to address 0. Exits with status 99 if it survives.
    Fault,
    /// Executes the open file. Exits with status 99 if that fails.
    Execute(BorrowedFd<'a>),
    /// Has its second thread execute the open file.
    ExecuteByThread(BorrowedFd<'a>),
    /// Writes to this many bytes of new memory, then exits with status 0; with 99 if it gets no memory.
    Hog(usize),
    /// Sleeps, then exits with status 99.
    Sleep(Duration),
}

/// What happens when a signal arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// [`handled`] grows by one.
    Count,
    /// It is ignored.
    Ignore,
    /// What the kernel does by default.
    Default,
    /// The process exits with status 0.
    Exit,
    /// The handler takes a fifth of a second, without a system call, and [`lingering_since`] tells when it began.
    Linger,
}

extern "C" fn count(signal: libc::c_int) {
    if let Some(counter) = usize::try_from(signal).ok().and_then(|signal| HANDLED.get(signal)) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

extern "C" fn exit(_signal: libc::c_int) {
    // SAFETY: ends the process without running anything, which is allowed in a signal handler.
    unsafe { libc::_exit(0) }
}

extern "C" fn linger(_signal: libc::c_int) {
    let begun = now();
    LINGERING_SINCE.store(begun, Ordering::Relaxed);
    while now() - begun < LINGERING {}
}

/// When the handler of [`Disposition::Linger`] began last, as [`now`] tells time.
#[must_use]
pub fn lingering_since() -> u64 {
    LINGERING_SINCE.load(Ordering::Relaxed)
}

/// Nanoseconds on the clock that only goes forward.
#[must_use]
pub fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is that of `time`.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Sleeps, by one `clock_nanosleep`.
pub fn sleep(time: Duration) -> io::Result<()> {
    let time = libc::timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
    // SAFETY: the pointer is that of `time`.
    match unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const time, ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Maps a page of memory and unmaps it.
pub fn map_and_unmap() {
    let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: nobody uses the memory, which is at an address that the kernel chooses.
    unsafe { libc::munmap(libc::mmap(ptr::null_mut(), 4096, libc::PROT_NONE, private, -1, 0), 4096) };
}

/// The number of the calling thread.
#[must_use]
pub fn thread_id() -> i32 {
    // SAFETY: the call has no preconditions.
    unsafe { libc::gettid() }
}

/// How often the handler of a signal ran, on all threads, since the process started.
#[must_use]
pub fn handled(signal: i32) -> u64 {
    usize::try_from(signal).ok().and_then(|signal| HANDLED.get(signal)).map_or(0, |count| count.load(Ordering::Relaxed))
}

/// Sets the disposition of a signal for the whole process.
pub fn dispose(signal: i32, disposition: Disposition) -> io::Result<()> {
    // SAFETY: an all-zero sigaction is a valid one; the handlers do only what a handler may do.
    let status = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_flags = libc::SA_RESTART;
        action.sa_sigaction = match disposition {
            Disposition::Count => count as extern "C" fn(libc::c_int) as usize,
            Disposition::Linger => linger as extern "C" fn(libc::c_int) as usize,
            Disposition::Exit => exit as extern "C" fn(libc::c_int) as usize,
            Disposition::Ignore => libc::SIG_IGN,
            Disposition::Default => libc::SIG_DFL,
        };
        libc::sigaction(signal, &action, ptr::null_mut())
    };
    ok(status.into()).map(drop)
}

/// Opens a file for reading, by one `openat`.
pub fn openat(path: &CStr) -> io::Result<OwnedFd> {
    // SAFETY: the path is a C string, and a number that is no error is a new descriptor's.
    unsafe {
        let number = ok(libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), libc::O_RDONLY))?;
        Ok(OwnedFd::from_raw_fd(number as i32))
    }
}

/// Has the kernel read the path of a file at address 1, which is no program's.
pub fn openat_unmapped() -> io::Result<()> {
    // SAFETY: the kernel reads there as this process may, and writes nothing.
    ok(unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, 1, libc::O_RDONLY) }).map(drop)
}

/// Makes a system call whose arguments are all 0, whatever comes of it.
pub fn call(number: i64) {
    // SAFETY: no call of a test gives memory back at address 0, or writes there.
    unsafe { libc::syscall(number, 0, 0, 0, 0, 0, 0) };
}

/// Sends a signal to a process.
pub fn send(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: `kill` touches no memory of this process.
    ok(unsafe { libc::kill(pid, signal) }.into()).map(drop)
}

/// Queues a signal for a process, with an error number for it to be told.
pub fn queue(pid: i32, signal: i32, errno: i32) -> io::Result<()> {
    // SAFETY: an all-zero siginfo is a valid one.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    (info.si_signo, info.si_errno, info.si_code) = (signal, errno, libc::SI_QUEUE);
    // SAFETY: the pointer is that of `info`.
    ok(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, signal, &raw const info) }).map(drop)
}

/// A timer of this process that has run out, or soon will.
#[derive(Debug)]
pub struct Timer(libc::timer_t);

impl Timer {
    /// Starts a timer that sends this process a signal as soon as possible. It must live until the signal is delivered.
    pub fn start(signal: i32) -> io::Result<Self> {
        let mut timer = ptr::null_mut();
        let once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let soon = libc::itimerspec { it_interval: once, it_value: libc::timespec { tv_sec: 0, tv_nsec: 1 } };
        // SAFETY: an all-zero sigevent is a valid one; all pointers are those of values that outlive the calls.
        unsafe {
            let mut how: libc::sigevent = std::mem::zeroed();
            how.sigev_notify = libc::SIGEV_SIGNAL;
            how.sigev_signo = signal;
            ok(libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut how, &raw mut timer).into())?;
            let this = Self(timer);
            ok(libc::timer_settime(timer, 0, &raw const soon, ptr::null_mut()).into())?;
            Ok(this)
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the timer was created and not yet deleted.
        unsafe { libc::timer_delete(self.0) };
    }
}

/// Sends a signal to the calling thread. It has been delivered when this returns, unless it is blocked.
pub fn send_to_this_thread(signal: i32) -> io::Result<()> {
    send_to_thread(thread_id(), signal)
}

/// Sends a signal to a thread of this process.
pub fn send_to_thread(thread: i32, signal: i32) -> io::Result<()> {
    // SAFETY: these calls touch no memory of this process.
    ok(unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) }).map(drop)
}

/// Executes a static program without arguments in a new process that shares this one's memory until then.
pub fn spawn(program: &CStr) -> io::Result<i32> {
    let arguments = [program.as_ptr().cast_mut(), ptr::null_mut()];
    let environment = [ptr::null_mut()];
    let mut pid = 0;
    // SAFETY: all strings and both arrays outlive the call and the arrays end with a null pointer.
    let error = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            ptr::null(),
            ptr::null(),
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    };
    if error == 0 { Ok(pid) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// Tries to execute a program in place of this process; comes back only with an error.
pub fn execute(program: &CStr) -> io::Error {
    let arguments = [program.as_ptr(), ptr::null()];
    let environment = [ptr::null()];
    // SAFETY: all strings and both arrays outlive the call and the arrays end with a null pointer.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Forks a child that does one thing and ends.
pub fn fork(child: Child<'_>) -> io::Result<i32> {
    // SAFETY: the child runs `be`, which makes system calls only.
    match ok(unsafe { libc::fork() }.into())? {
        0 => be(child),
        pid => Ok(pid as i32),
    }
}

fn be(child: Child<'_>) -> ! {
    // SAFETY: only system calls that are allowed between fork and exec, on memory that this function owns.
    unsafe {
        match child {
            Child::Exit(status) => libc::_exit(status),
            Child::Die(signal) => {
                forgo_core_dump();
                libc::signal(signal, libc::SIG_DFL);
                libc::kill(libc::getpid(), signal);
            }
            Child::Fault => {
                forgo_core_dump();
                libc::signal(libc::SIGSEGV, libc::SIG_DFL);
                // Through an address that the compiler knows nothing of.
                std::hint::black_box(ptr::null_mut::<u8>()).write_volatile(1);
            }
            Child::Execute(file) => execute_open(file.as_raw_fd()),
            Child::ExecuteByThread(file) => {
                let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let stack = libc::mmap(ptr::null_mut(), STACK, libc::PROT_READ | libc::PROT_WRITE, private, -1, 0);
                let thread =
                    libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
                let file = ptr::without_provenance_mut(file.as_raw_fd() as usize);
                if stack != libc::MAP_FAILED && libc::clone(execute_in_thread, stack.byte_add(STACK), thread, file) > 0
                {
                    // The execution ends this thread.
                    drop(sleep(Duration::from_secs(60)));
                }
            }
            Child::Sleep(time) => drop(sleep(time)),
            Child::Hog(bytes) => {
                let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let memory =
                    libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, private, -1, 0).cast::<u8>();
                if memory as usize != usize::MAX {
                    for offset in (0..bytes).step_by(4096) {
                        memory.add(offset).write_volatile(1);
                    }
                    libc::_exit(0);
                }
            }
        }
        libc::_exit(99)
    }
}

/// Bytes of the stack of a thread that only executes a program.
const STACK: usize = 64 << 10;

extern "C" fn execute_in_thread(file: *mut libc::c_void) -> libc::c_int {
    execute_open(file.addr() as i32);
    99
}

/// Executes an open file; comes back only if that fails.
fn execute_open(file: i32) {
    let arguments = [c"exit-at-once".as_ptr(), ptr::null()];
    let (path, environment) = (c"".as_ptr(), arguments[1..].as_ptr());
    // SAFETY: all strings and arrays outlive the call, and the arrays end with a null pointer.
    unsafe { libc::syscall(libc::SYS_execveat, file, path, arguments.as_ptr(), environment, libc::AT_EMPTY_PATH) };
}

/// Has this process leave no core dump, whatever it dies of.
fn forgo_core_dump() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is that of `none`.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
}

/// Ends the calling thread alone, even the first one.
pub fn exit_thread() -> ! {
    // SAFETY: the thread stops here; nothing of its stack is released.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    unreachable!("a thread that has ended")
}

/// Ends the process at once.
pub fn exit_process(status: i32) -> ! {
    // SAFETY: ends the process without running anything.
    unsafe { libc::_exit(status) }
}

/// Waits for a child's end and returns its wait status.
pub fn wait(pid: i32) -> io::Result<i32> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is a valid place for an integer.
        match ok(unsafe { libc::waitpid(pid, &raw mut status, 0) }.into()) {
            Ok(_) => return Ok(status),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Executes a program in a new process that starts its life in the cgroup whose directory is given.
pub fn spawn_in_cgroup(directory: BorrowedFd<'_>, program: &CStr, arguments: &[&CStr]) -> io::Result<i32> {
    let pointers: Vec<_> =
        [program].iter().chain(arguments).map(|argument| argument.as_ptr()).chain([ptr::null()]).collect();
    // SAFETY: an all-zero clone_args asks for nothing.
    let mut how: libc::clone_args = unsafe { std::mem::zeroed() };
    how.flags = CLONE_INTO_CGROUP;
    how.exit_signal = libc::SIGCHLD as u64;
    how.cgroup = directory.as_raw_fd() as u64;
    // SAFETY: without CLONE_VM this forks: the child has its own copy of the memory. It makes system calls only, on
    // strings and an array that live and end with null.
    let pid = unsafe {
        let pid = libc::syscall(libc::SYS_clone3, &raw const how, size_of_val(&how));
        if pid == 0 {
            libc::execve(program.as_ptr(), pointers.as_ptr(), pointers[pointers.len() - 1..].as_ptr());
            libc::_exit(99);
        }
        pid
    };
    ok(pid).map(|pid| pid as i32)
}

/// Makes a closing of the socket send a reset instead of the rest of its data and a FIN.
pub fn reset_on_close(socket: BorrowedFd<'_>) -> io::Result<()> {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: the pointer and the size are those of `linger`.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of_val(&linger) as libc::socklen_t,
        )
    };
    ok(status.into()).map(drop)
}

fn ok(status: libc::c_long) -> io::Result<libc::c_long> {
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(status) }
}
