//! The thread that has traces begin and end: it attaches and detaches programs, which takes its time.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Weak,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use tracing::{info, warn};

use super::{
    entry::Now,
    filters::{Filters, Switch},
    handle::Shared,
    wanted::Wanted,
};

/// How long to wait when nothing is due.
const LONG: Duration = Duration::from_secs(3600);

/// What the thread is to do.
#[derive(Debug)]
pub(super) enum Order {
    /// A trace is pending.
    Begin(u64),
    /// A trace was deleted.
    Delete(u64),
}

/// Has traces begin and end.
#[derive(Debug)]
pub struct Worker {
    shared: Weak<Shared>,
    orders: Receiver<Order>,
}

impl Worker {
    pub(super) const fn new(shared: Weak<Shared>, orders: Receiver<Order>) -> Self {
        Self { shared, orders }
    }

    /// Starts the thread. It attaches and detaches `programs`, and ends with the last [`Traces`](super::Traces).
    ///
    /// # Errors
    ///
    /// When the thread cannot be made.
    pub fn start(self, programs: impl Switch<Wanted> + Send + 'static) -> io::Result<()> {
        let mut programs = Filters::new(programs);
        thread::Builder::new().name("traces".to_owned()).spawn(move || self.run(&mut programs)).map(drop)
    }

    fn run<S: Switch<Wanted>>(self, programs: &mut Filters<Wanted, S>) {
        let Self { shared, orders } = self;
        let mut held = Held::new();
        let mut next = None::<Instant>;
        loop {
            let timeout = next.map_or(LONG, |next| next.saturating_duration_since(Instant::now()));
            let order = orders.recv_timeout(timeout);
            let Some(shared) = shared.upgrade() else { return };
            match order {
                Ok(Order::Begin(id)) => {
                    if let Some(wanted) = begin(&shared, id, programs) {
                        held.insert(id, wanted);
                    }
                }
                Ok(Order::Delete(id)) => release(&mut held, id, programs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let (complete, due) = shared.state().tick(Now::read());
            complete.into_iter().for_each(|id| release(&mut held, id, programs));
            next = due;
        }
    }
}

/// The names of the traces that run, and what they hold.
type Held = BTreeMap<u64, (String, Vec<Wanted>)>;

/// Has a pending trace run. Returns its name, and what it holds; nothing if it does not run.
fn begin<S: Switch<Wanted>>(
    shared: &Shared,
    id: u64,
    programs: &mut Filters<Wanted, S>,
) -> Option<(String, Vec<Wanted>)> {
    let (trace, wanted) = shared.state().wanted(id)?;
    for (position, each) in wanted.iter().enumerate() {
        if let Err(message) = programs.hold(*each) {
            wanted[..position].iter().for_each(|each| programs.release(*each));
            warn!(trace, message, "cannot trace");
            shared.state().fail(id, message, Now::read());
            return None;
        }
    }
    let is_running = shared.state().begin(id, Now::read());
    if !is_running {
        wanted.iter().for_each(|each| programs.release(*each));
        return None;
    }
    info!(trace, "tracing");
    Some((trace, wanted))
}

fn release<S: Switch<Wanted>>(held: &mut Held, id: u64, programs: &mut Filters<Wanted, S>) {
    if let Some((trace, wanted)) = held.remove(&id) {
        wanted.into_iter().for_each(|wanted| programs.release(wanted));
        info!(trace, "traced");
    }
}
