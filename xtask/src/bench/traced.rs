//! Traces of system calls, loaded into this process.

use std::{
    os::fd::AsFd as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Result, anyhow};
use doubleslit::{
    bpf::{
        events::EventRing,
        object::KERNEL_BTF,
        traces::{TraceObject, Traced},
    },
    events::source::RecordSource as _,
    identity::CgroupId,
    probes::syscall::call_number,
    traces::{Key, Switch as _, Wanted},
};
use doubleslit_common::kind::Kind;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::loaded;

/// Bytes of the ring by default.
const RING: u32 = 8 << 20;
/// How long its reader sleeps at most.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: Duration::from_millis(100).as_nanos() as i64 };

/// A trace of one system call of one cgroup, whose records are read and thrown away.
pub(super) struct Trace {
    _object: TraceObject,
    is_over: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Trace {
    /// Begins it, with the durations of calls or without.
    pub(super) fn begin(call: &str, cgroup: CgroupId, durations: bool) -> Result<Self> {
        let mut traced = Traced::default();
        let (mut object, ring) =
            TraceObject::load(loaded::of_no_events(RING), KERNEL_BTF.into(), &traced, Default::default())?;
        let detail = call_number(call).ok_or_else(|| anyhow!("no call `{call}`"))?;
        let wanted = Wanted { kind: Kind::Syscall, detail };
        for wanted in [wanted].into_iter().chain(durations.then_some(Wanted::BEGINNINGS)) {
            object.attach(wanted).map_err(|error| anyhow!(error))?;
        }
        traced.on(Key { cgroup: Some(cgroup), wanted }).map_err(|error| anyhow!(error))?;
        let is_over = Arc::<AtomicBool>::default();
        let stop = Arc::clone(&is_over);
        let reader = thread::Builder::new().name("reader".to_owned()).spawn(move || read(ring, &stop))?;
        Ok(Self { _object: object, is_over, reader: Some(reader) })
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            // A panic has already been printed.
            let _ = reader.join();
        }
    }
}

fn read(mut ring: EventRing, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let ready = poll(&mut [PollFd::from_borrowed_fd(ring.as_fd(), PollFlags::IN)], Some(&PATIENCE));
        if !matches!(ready, Ok(_) | Err(Errno::INTR)) {
            return;
        }
        while ring.drain(usize::MAX, &mut |_| {}) > 0 {}
    }
}
