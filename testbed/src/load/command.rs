//! What a load can be told to do, and how it is written.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use anyhow::{Context as _, Result, bail};

use super::{bench::Storm, tcp::Order};

/// One thing to do. Those with a count do it exactly that often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant shows its fields in the line that is written for it")]
pub enum Command {
    /// `exec N`: a child that executes a program which exits with 0 at once. N forks, execs and successful exits.
    Exec { count: u64 },
    /// `execveat N`: the same with `execveat`.
    Execveat { count: u64 },
    /// `exec-by-thread N`: the same by the second thread of a child.
    ExecByThread { count: u64 },
    /// `exec-missing N`: executions that fail, without a fork.
    ExecMissing { count: u64 },
    /// `fork N` (status 0) and `exit STATUS N`: a child that exits.
    Exit { status: i32, count: u64 },
    /// `die SIGNAL N`: a child that sends itself a signal and dies of it.
    Die { signal: i32, count: u64 },
    /// `fault N`: a child that dies of a write to memory which is not there.
    Fault { count: u64 },
    /// `leave STATUS`: this process's first thread ends, then another one ends the process with the status.
    Leave { status: i32 },
    /// `threads N`: a thread that ends.
    Threads { count: u64 },
    /// `hog MIB`: a child that uses memory. Answers how it ended.
    Hog { mebibytes: usize },
    /// `signal SIGNAL N`: to itself, with a handler; each one is delivered before the next is sent.
    Signal { signal: i32, count: u64 },
    /// `ignored SIGNAL N`: to itself, ignored.
    Ignored { signal: i32, count: u64 },
    /// `timer SIGNAL N`: to itself from a timer, with a handler; each one is delivered before the next is sent.
    Timer { signal: i32, count: u64 },
    /// `signal-to PID SIGNAL N`: to another process, without waiting for their delivery.
    SignalTo { pid: i32, signal: i32, count: u64 },
    /// `handle SIGNAL`: installs a handler that counts.
    Handle { signal: i32 },
    /// `handled SIGNAL N`: waits until that handler has run N times.
    Handled { signal: i32, count: u64 },
    /// `listen ADDRESS PORT [close-first]`: accepts connections from then on. Closes each when its client has closed it,
    /// or before that.
    Listen { address: SocketAddr, order: Order },
    /// `connect ADDRESS PORT N [close-last]`: opens a connection and closes it in an orderly way, before or after the
    /// server does; the server must do the other one.
    Connect { address: SocketAddr, order: Order, count: u64 },
    /// `connect-refused ADDRESS PORT N`: connects to where nobody listens.
    ConnectRefused { address: SocketAddr, count: u64 },
    /// `reset ADDRESS PORT N`: opens a connection and resets it.
    Reset { address: SocketAddr, count: u64 },
    /// `settle PORT`: waits until every connection from or to the port is closed at both ends.
    Settle { port: u16 },
    /// `hold ADDRESS PORT`: opens a connection and keeps it.
    Hold { address: SocketAddr },
    /// `write BYTES`: writes to the connection that is kept; more than its buffer holds (16 KiB) waits for the other end.
    Write { bytes: usize },
    /// `release`: closes the connection that is kept, in an orderly way.
    Release,
    /// `open-missing THREADS N`: threads that each open what is not there, N times.
    OpenMissing { threads: u64, count: u64 },
    /// `open-long LENGTH N`: opens a path of this length, which is not there: `/` and then `a` only.
    OpenLong { length: usize, count: u64 },
    /// `open-unmapped N`: opens the path at address 1, where no memory is.
    OpenUnmapped { count: u64 },
    /// `syscall NUMBER N`: a system call whose arguments are all 0.
    Syscall { number: i64, count: u64 },
    /// `script`: two threads that make 100 system calls each, whose results are known.
    Script,
    /// `calls`: some system calls, each once, whose arguments are known.
    Calls,
    /// `sleep MILLISECONDS`.
    Sleep { milliseconds: u64 },
    /// `sleeps THREADS N MILLISECONDS`: threads that each sleep N times, by `clock_nanosleep`, while another one maps and
    /// unmaps memory. Answers how many nanoseconds these calls took, at least and at most, as those below do.
    Sleeps { threads: u64, count: u64, milliseconds: u64 },
    /// `sleep-interrupted MILLISECONDS`: a sleep that a signal ends after that time, whose handler takes longer than nothing.
    SleepInterrupted { milliseconds: u64 },
    /// `sleep-killed MILLISECONDS`: a child's sleep that ends with the child.
    SleepKilled { milliseconds: u64 },
    /// `bench exec|signal|connect|call N`: answers nanoseconds per operation.
    Bench { what: Storm, count: u64 },
}

/// A command and the CPUs that do it, written `[cpus=0,1] COMMAND …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The CPUs among which the count is divided. None: any.
    pub cpus: Vec<usize>,
    /// What to do.
    pub command: Command,
}

impl Job {
    /// Reads the words of a job.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut words = Words(words.into_iter());
        let mut name = words.0.next().context("no command")?;
        let mut cpus = Vec::new();
        if let Some(list) = name.strip_prefix("cpus=") {
            cpus = list.split(',').map(|cpu| value(cpu, "CPU")).collect::<Result<_>>()?;
            name = words.0.next().context("no command behind the CPUs")?;
        }
        let command = words.command(name)?;
        match words.0.next() {
            Some(word) => bail!("`{word}` is one word too many for `{name}`"),
            None => Ok(Self { cpus, command }),
        }
    }

    /// The parts that the CPUs do at the same time: as many as there are CPUs, their counts add up to that of the job.
    #[must_use]
    pub fn parts(&self) -> Vec<Command> {
        let workers = self.cpus.len().max(1) as u64;
        let mut command = self.command;
        let Some(&mut total) = command.count_mut() else { return vec![command] };
        (0..workers)
            .map(|worker| {
                let mut part = self.command;
                if let Some(count) = part.count_mut() {
                    *count = total / workers + u64::from(worker < total % workers);
                }
                part
            })
            .collect()
    }
}

impl Command {
    /// The count of what can be divided.
    fn count_mut(&mut self) -> Option<&mut u64> {
        match self {
            Self::Exec { count }
            | Self::Execveat { count }
            | Self::ExecByThread { count }
            | Self::ExecMissing { count }
            | Self::Exit { count, .. }
            | Self::Die { count, .. }
            | Self::Fault { count }
            | Self::Threads { count }
            | Self::OpenLong { count, .. }
            | Self::OpenUnmapped { count }
            | Self::Syscall { count, .. }
            | Self::Signal { count, .. }
            | Self::Ignored { count, .. }
            | Self::Timer { count, .. }
            | Self::SignalTo { count, .. }
            | Self::Connect { count, .. }
            | Self::ConnectRefused { count, .. }
            | Self::Reset { count, .. } => Some(count),
            Self::Leave { .. }
            | Self::Hog { .. }
            | Self::Handle { .. }
            | Self::Handled { .. }
            | Self::Listen { .. }
            | Self::Settle { .. }
            | Self::Hold { .. }
            | Self::Write { .. }
            | Self::Release
            | Self::OpenMissing { .. }
            | Self::Script
            | Self::Calls
            | Self::Sleep { .. }
            | Self::Sleeps { .. }
            | Self::SleepInterrupted { .. }
            | Self::SleepKilled { .. }
            | Self::Bench { .. } => None,
        }
    }
}

struct Words<I>(I);

impl<'a, I: Iterator<Item = &'a str>> Words<I> {
    fn command(&mut self, name: &str) -> Result<Command> {
        Ok(match name {
            "exec" => Command::Exec { count: self.next("count")? },
            "execveat" => Command::Execveat { count: self.next("count")? },
            "exec-by-thread" => Command::ExecByThread { count: self.next("count")? },
            "exec-missing" => Command::ExecMissing { count: self.next("count")? },
            "fork" => Command::Exit { status: 0, count: self.next("count")? },
            "exit" => Command::Exit { status: self.next("status")?, count: self.next("count")? },
            "die" => Command::Die { signal: self.next("signal")?, count: self.next("count")? },
            "fault" => Command::Fault { count: self.next("count")? },
            "leave" => Command::Leave { status: self.next("status")? },
            "threads" => Command::Threads { count: self.next("count")? },
            "hog" => Command::Hog { mebibytes: self.next("size")? },
            "signal" => Command::Signal { signal: self.next("signal")?, count: self.next("count")? },
            "ignored" => Command::Ignored { signal: self.next("signal")?, count: self.next("count")? },
            "timer" => Command::Timer { signal: self.next("signal")?, count: self.next("count")? },
            "signal-to" => Command::SignalTo {
                pid: self.next("process id")?,
                signal: self.next("signal")?,
                count: self.next("count")?,
            },
            "handle" => Command::Handle { signal: self.next("signal")? },
            "handled" => Command::Handled { signal: self.next("signal")?, count: self.next("count")? },
            "listen" => Command::Listen { address: self.address()?, order: self.order()? },
            "connect" => {
                Command::Connect { address: self.address()?, count: self.next("count")?, order: self.order()? }
            }
            "connect-refused" => Command::ConnectRefused { address: self.address()?, count: self.next("count")? },
            "reset" => Command::Reset { address: self.address()?, count: self.next("count")? },
            "settle" => Command::Settle { port: self.next("port")? },
            "hold" => Command::Hold { address: self.address()? },
            "write" => Command::Write { bytes: self.next("size")? },
            "release" => Command::Release,
            "open-missing" => {
                Command::OpenMissing { threads: self.next("number of threads")?, count: self.next("count")? }
            }
            "open-long" => Command::OpenLong { length: self.next("length")?, count: self.next("count")? },
            "open-unmapped" => Command::OpenUnmapped { count: self.next("count")? },
            "syscall" => Command::Syscall { number: self.next("number")?, count: self.next("count")? },
            "script" => Command::Script,
            "calls" => Command::Calls,
            "sleep" => Command::Sleep { milliseconds: self.next("time")? },
            "sleeps" => Command::Sleeps {
                threads: self.next("number of threads")?,
                count: self.next("count")?,
                milliseconds: self.next("time")?,
            },
            "sleep-interrupted" => Command::SleepInterrupted { milliseconds: self.next("time")? },
            "sleep-killed" => Command::SleepKilled { milliseconds: self.next("time")? },
            "bench" => Command::Bench { what: self.next("storm")?, count: self.next("count")? },
            _ => bail!("there is no command `{name}`"),
        })
    }

    fn next<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(&mut self, what: &str) -> Result<T> {
        value(self.0.next().with_context(|| format!("the {what} is missing"))?, what)
    }

    fn address(&mut self) -> Result<SocketAddr> {
        let address: IpAddr = self.next("address")?;
        Ok(SocketAddr::new(address, self.next("port")?))
    }

    /// What an optional last word says; without it the client closes first.
    fn order(&mut self) -> Result<Order> {
        match self.0.next() {
            None => Ok(Order::ClientFirst),
            Some("close-first" | "close-last") => Ok(Order::ServerFirst),
            Some(word) => bail!("`{word}` is neither `close-first` nor `close-last`"),
        }
    }
}

fn value<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(word: &str, what: &str) -> Result<T> {
    word.parse().with_context(|| format!("`{word}` is no {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Job> {
        Job::parse(line.split_whitespace())
    }

    #[test]
    fn commands_and_their_parts() {
        let job = parse("cpus=0,1 exec 1001").expect("valid");
        assert_eq!(job.parts(), [Command::Exec { count: 501 }, Command::Exec { count: 500 }]);
        let job = parse("connect ::1 80 7 close-last").expect("valid");
        let address = "[::1]:80".parse().expect("valid");
        assert_eq!(job.parts(), [Command::Connect { address, order: Order::ServerFirst, count: 7 }]);
        assert_eq!(parse("cpus=0,1 settle 80").expect("valid").parts(), [Command::Settle { port: 80 }]);
    }

    #[test]
    fn mistakes() {
        for (line, message) in [
            ("", "no command"),
            ("cpus=0", "no command behind the CPUs"),
            ("dance 1", "there is no command `dance`"),
            ("exec", "the count is missing"),
            ("exec many", "`many` is no count"),
            ("exec 1 2", "`2` is one word too many for `exec`"),
            ("listen 127.0.0.1 80 never", "`never` is neither `close-first` nor `close-last`"),
        ] {
            assert_eq!(parse(line).expect_err(line).to_string(), message);
        }
    }
}
