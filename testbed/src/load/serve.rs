//! A load that waits for commands, so that none of its own start belongs to what is measured.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::mpsc,
    thread,
};

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::{
    command::{Command, Job},
    image::Image,
};
use crate::sys::{self, Disposition};

/// The socket in the directory that is served.
pub const SOCKET: &str = "load.sock";

type Answer = Result<String>;

/// Threads that are there before anything is asked for, one on every CPU.
struct Workers(Vec<Worker>);

struct Worker {
    cpu: usize,
    tasks: mpsc::Sender<(Command, mpsc::Sender<Answer>)>,
}

/// Serves commands on a socket in a directory until SIGTERM: a line in, a line out, `ok`, `ok ANSWER` or `error REASON`.
pub fn serve(directory: &Path) -> Result<()> {
    sys::dispose(libc::SIGTERM, Disposition::Exit)?;
    let image: &'static Image = Box::leak(Box::new(Image::write(directory)?));
    let workers = Workers::start(image)?;
    let path = directory.join(SOCKET);
    let hidden = directory.join(".load.sock");
    let listener = UnixListener::bind(&hidden).with_context(|| format!("cannot listen at `{}`", hidden.display()))?;
    // Who sees the socket can connect to it.
    fs::rename(&hidden, &path)?;
    for connection in listener.incoming() {
        // A client that goes away has had its answers.
        drop(answer(connection?, &workers, image));
    }
    Ok(())
}

/// Does a job: on the calling thread, or on those CPUs.
pub fn run_on_cpus(job: &Job, image: &'static Image) -> Answer {
    match job.cpus.as_slice() {
        [] => super::run(job.command, image),
        [cpu] => {
            pin(*cpu)?;
            super::run(job.command, image)
        }
        _ => Workers::start(image)?.run(job),
    }
}

fn answer(connection: UnixStream, workers: &Workers, image: &Image) -> Result<()> {
    let mut answers = connection.try_clone()?;
    for line in BufReader::new(connection).lines() {
        let line = line?;
        let answer = Job::parse(line.split_whitespace())
            .and_then(|job| if job.cpus.is_empty() { super::run(job.command, image) } else { workers.run(&job) });
        let text = match answer {
            Ok(text) if text.is_empty() => "ok\n".to_owned(),
            Ok(text) => format!("ok {text}\n"),
            Err(error) => format!("error {error:#}\n"),
        };
        answers.write_all(text.as_bytes())?;
    }
    Ok(())
}

impl Workers {
    fn start(image: &'static Image) -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let workers = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).map(|cpu| {
            let (tasks, inbox) = mpsc::channel::<(Command, mpsc::Sender<Answer>)>();
            thread::Builder::new().name(format!("cpu-{cpu}")).spawn(move || {
                let pinned = pin(cpu);
                for (command, answer) in inbox {
                    let outcome = match &pinned {
                        Ok(()) => super::run(command, image),
                        Err(error) => Err(anyhow::anyhow!("{error:#}")),
                    };
                    drop(answer.send(outcome));
                }
            })?;
            Ok(Worker { cpu, tasks })
        });
        workers.collect::<Result<_>>().map(Self)
    }

    /// Divides a job among its CPUs and waits for all of them.
    fn run(&self, job: &Job) -> Answer {
        let (sender, answers) = mpsc::channel();
        for (cpu, part) in job.cpus.iter().zip(job.parts()) {
            let worker = self.0.iter().find(|worker| worker.cpu == *cpu);
            let worker = worker.with_context(|| format!("CPU {cpu} may not be used"))?;
            worker.tasks.send((part, sender.clone())).ok().context("a worker has ended")?;
        }
        drop(sender);
        let texts: Vec<_> = answers.iter().collect::<Result<_>>()?;
        Ok(texts.join(" ").trim().to_owned())
    }
}

fn pin(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).with_context(|| format!("cannot move to CPU {cpu}"))
}
