//! A process that keeps something as long as its input is open, which is as long as its owner lives, however that ends.

use std::{
    io::Write as _,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

/// The keeper. Dropping it closes its input and waits until it has cleaned up.
#[derive(Debug)]
pub(crate) struct Supervisor(Child);

/// A command for [`Supervisor::start`], in a session of its own, as services are. An interrupt from the keyboard is for the
/// owner; the keeper then sees its input end. And the kernel gives CPU time to sessions (`sched(7)`, autogroup): what an engine
/// does is not at the expense of who watches it alone.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new("setsid");
    command.arg(program);
    command
}

impl Supervisor {
    /// Starts a [`command`] whose standard input then is its owner's.
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).spawn();
        Self(child.unwrap_or_else(|error| panic!("cannot run {:?}: {error}", command.get_program())))
    }

    /// Tells it a line.
    pub(crate) fn say(&self, line: &str) {
        let mut input = self.0.stdin.as_ref().expect("it is piped");
        writeln!(input, "{line}").expect("the supervisor reads");
    }

    /// What it prints, if that is piped.
    pub(crate) fn output(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("it is piped")
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("it is a child")
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}
