//! The process that looks at others, because the exporter itself no longer may.
//!
//! It is made while the exporter has one thread and all of its privileges, has a thread for each socket at which it is asked,
//! and ends with the exporter.
#![expect(unsafe_code, reason = "fork has no safe form")]

use std::{
    io,
    os::{
        fd::{AsRawFd as _, RawFd},
        unix::net::UnixStream,
    },
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

use super::{
    Look, Lookout, Looks, Own, READERS,
    message::{Request, write_answer},
};

/// The name under which it is listed.
pub const NAME: &str = "doubleslit-look";

/// The helper. It ends when nobody can ask it any more.
#[derive(Clone, Debug)]
pub struct Helper {
    /// Its process id.
    pub pid: u32,
    is_there: Arc<AtomicBool>,
}

impl Helper {
    /// Whether it has answered whenever it was asked.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }
}

/// What the helper does to itself.
#[derive(Clone, Copy, Debug)]
pub struct Restrict {
    /// What it does while it has one thread.
    pub process: fn() -> io::Result<()>,
    /// What each thread does before it listens to anybody, given its socket if it has one.
    pub thread: fn(Option<RawFd>) -> io::Result<()>,
}

/// Makes the helper, which looks at the machine with its root at this directory. To be called while there is one thread.
///
/// # Errors
///
/// When the process or its sockets cannot be made.
pub fn start(root: &Path, restrict: Restrict) -> io::Result<(Helper, Looks)> {
    let pairs: Vec<_> = (0..=READERS).map(|_| UnixStream::pair()).collect::<io::Result<_>>()?;
    let (asking, asked): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let parent = getpid();
    // SAFETY: there is one thread, so that the child finds nothing locked.
    let child = unsafe { libc::fork() };
    if child == 0 {
        drop(asking);
        let status = match serve(root, asked, restrict, || getppid() == Some(parent)) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("doubleslit: the helper that looks at other processes cannot start: {error}");
                1
            }
        };
        // SAFETY: ends the process; what is left of the exporter's in its memory is not the helper's to end in order.
        unsafe { libc::_exit(status) }
    }
    let pid = u32::try_from(child).map_err(|_| io::Error::last_os_error())?;
    let is_there = Arc::new(AtomicBool::new(true));
    let mut looks = asking.into_iter().map(|socket| Lookout::new(socket, Arc::clone(&is_there)));
    let mut boxed = || looks.next().map(|look| -> Box<dyn Look> { Box::new(look) });
    let lives = boxed().ok_or(io::ErrorKind::NotFound)?;
    let users = std::iter::from_fn(boxed).collect();
    Ok((Helper { pid, is_there }, Looks { lives, users }))
}

/// The life of the helper.
fn serve(root: &Path, asked: Vec<UnixStream>, restrict: Restrict, has_parent: impl Fn() -> bool) -> io::Result<()> {
    // It ends after the exporter, and not because somebody ends all processes of a terminal or a service.
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: ignoring a signal runs nothing.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    rustix::thread::set_name(&std::ffi::CString::new(NAME)?)?;
    let own = Own::at(root);
    (restrict.process)()?;
    // Whatever ends the exporter ends this too. Other rights than before would undo it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if !has_parent() {
        return Ok(());
    }
    let threads = asked.into_iter().map(|socket| {
        let (thread, own) = (restrict.thread, own.clone());
        thread::Builder::new().name(NAME.to_owned()).spawn(move || {
            if thread(Some(socket.as_raw_fd())).is_ok() {
                answer(socket, own);
            }
        })
    });
    let threads: Vec<_> = threads.collect::<io::Result<_>>()?;
    (restrict.thread)(None)?;
    for thread in threads {
        // A panic has been printed, and ended this.
        drop(thread.join());
    }
    Ok(())
}

/// Answers until nobody asks any more.
fn answer(mut socket: UnixStream, mut look: impl Look) {
    while let Ok(request) = Request::read(&mut socket) {
        let answer = request.answer(&mut look);
        if write_answer(&mut socket, answer.as_deref()).is_err() {
            return;
        }
    }
}
