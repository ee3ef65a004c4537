//! A program on a terminal of its own, and what it shows there.

use std::{
    ffi::OsStr,
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rustix::{
    pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{Winsize, tcgetattr, tcsetwinsize},
};

use crate::{sys, wait};

/// What a frame is enclosed in (<https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036>).
const FRAME: [&str; 2] = ["\u{1b}[?2026h", "\u{1b}[?2026l"];
/// Pairs of what takes something of the terminal and what gives it back: the screen, and the sign where one types.
const TAKEN: [[&str; 2]; 2] = [["\u{1b}[?1049h", "\u{1b}[?1049l"], ["\u{1b}[?25l", "\u{1b}[?25h"]];

/// A running program and its terminal. It is killed when this is dropped.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    master: File,
    slave: OwnedFd,
    /// How the terminal was.
    modes: String,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts a program with these arguments and variables on a terminal of so many columns and lines.
    #[must_use]
    pub fn start(program: impl AsRef<OsStr>, arguments: &[&str], variables: &[(&str, &str)], size: [u16; 2]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal can be made");
        unlockpt(&master).expect("it is new");
        let slave = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("it has another end");
        resize(&slave, size);
        let modes = modes(&slave);

        let end = || slave.try_clone().expect("a file can be shared");
        // It executes the program in its own place, so that the process is the program.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(program).args(arguments).envs(variables.iter().copied());
        command.env("TERM", "xterm-256color").stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().expect("setsid can be run");

        let master = File::from(master);
        let mut reader = master.try_clone().expect("a file can be shared");
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let sink = Arc::clone(&written);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).extend(&bytes[..length]);
            }
        });
        Self { child, master, slave, modes, written }
    }

    /// Everything that it has written.
    #[must_use]
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// The same without how it looks.
    #[must_use]
    pub fn plain(&self) -> String {
        plain(&self.written())
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is a child")
    }

    /// The lines of the latest whole frame, without how they look.
    #[must_use]
    pub fn frame(&self) -> Vec<String> {
        let written = self.written();
        let [begin, end] = FRAME;
        let frame = written.rfind(end).and_then(|end| {
            let start = written[..end].rfind(begin)? + begin.len();
            Some(plain(&written[start..end]))
        });
        frame.unwrap_or_default().split("\r\n").map(str::to_owned).collect()
    }

    /// Waits until a frame is like this. Panics with the latest when none is.
    pub fn await_frame(&mut self, what: &str, is_it: impl Fn(&[String]) -> bool) -> Vec<String> {
        let start = std::time::Instant::now();
        wait::until(what, || {
            let frame = self.frame();
            if is_it(&frame) {
                return Some(frame);
            }
            let status = self.child.try_wait().expect("it is a child");
            let is_late = start.elapsed() > wait::PATIENCE / 2;
            assert!(status.is_none() && !is_late, "{what}: {status:?}\n{}\n{}", frame.join("\n"), self.written());
            None
        })
    }

    /// Types a text.
    pub fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("it is a terminal");
    }

    /// Gives the terminal another size.
    pub fn resize(&self, size: [u16; 2]) {
        resize(&self.slave, size);
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        sys::send(self.pid(), signal).expect("it runs");
    }

    /// Waits until it ends, and checks that its terminal is as it was before.
    pub fn await_end(&mut self) -> ExitStatus {
        let status = wait::until("it ends", || self.child.try_wait().expect("it is a child"));
        assert_eq!(modes(&self.slave), self.modes, "{}", self.written());
        for [take, give] in TAKEN {
            wait::until("what it takes of the terminal it gives back", || {
                let written = self.written();
                (written.contains(take) && written.rfind(give) > written.rfind(take)).then_some(())
            });
        }
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn resize(terminal: &OwnedFd, [columns, lines]: [u16; 2]) {
    let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("it is a terminal");
}

fn modes(terminal: &OwnedFd) -> String {
    format!("{:?}", tcgetattr(terminal).expect("it is a terminal"))
}

/// A text without control sequences (ECMA-48, 5.4).
fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        let end = part.find(|c| ('@'..='~').contains(&c)).map_or(part.len(), |at| at + 1);
        plain + &part[end..]
    })
}
