//! The way to the traces.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    mpsc::{self, Sender},
};

use super::{
    entry::Now,
    error::{CreateError, Unknown},
    plan::{self, Plan},
    spec::Spec,
    state::{Kernel, State},
    status::{List, Trace},
    wanted::Catalogue,
    worker::{Order, Worker},
};
use crate::{
    events::{event::Event, hub::Subscription, outlet::Outlet},
    identity::{
        CgroupId,
        ignore::Ignore,
        registry::{Known, Watcher},
    },
};

/// All traces. Clones are the same; when the last one is dropped, all traces end.
#[derive(Clone, Debug)]
pub struct Traces(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    catalogue: Box<dyn Catalogue>,
    orders: Sender<Order>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, order: Order) {
        // The worker ends with the last of those who could order something.
        let _ = self.orders.send(order);
    }
}

impl Traces {
    /// No traces, and who has them begin and end. Nothing of ignored containers is handed out.
    #[must_use]
    pub fn new(kernel: impl Kernel + 'static, catalogue: impl Catalogue + 'static, ignore: Ignore) -> (Self, Worker) {
        let (orders, received) = mpsc::channel();
        let state = Mutex::new(State::new(Box::new(kernel), ignore));
        let shared = Arc::new(Shared { state, catalogue: Box::new(catalogue), orders });
        let worker = Worker::new(Arc::downgrade(&shared), received);
        (Self(shared), worker)
    }

    /// Where events come in, and news of containers. It keeps no trace alive.
    #[must_use]
    pub fn inlet(&self) -> Inlet {
        Inlet(Arc::downgrade(&self.0))
    }

    /// Creates a trace. It is pending, and runs as soon as the kernel sends what it wants.
    ///
    /// # Errors
    ///
    /// When there is one with this name, or it asks for something that makes no sense.
    pub fn create(&self, name: &str, spec: Spec) -> Result<Trace, CreateError> {
        plan::name(name)?;
        // The kernel may be asked for its tracepoints, which takes its time.
        let plan = Plan::of(&spec, &*self.0.catalogue)?;
        let (id, trace) = self.0.state().create(name, spec, plan, Now::read())?;
        self.0.order(Order::Begin(id));
        Ok(trace)
    }

    /// Deletes those of some traces that are still what they were, and creates others: all of it or nothing.
    ///
    /// # Errors
    ///
    /// When one of the others cannot be created: which.
    pub fn exchange(&self, gone: &[(String, Spec)], new: &[(String, Spec)]) -> Result<(), CreateError> {
        let planned = new.iter().map(|(name, spec)| {
            plan::name(name)?;
            Ok((name.clone(), spec.clone(), Plan::of(spec, &*self.0.catalogue)?))
        });
        let planned = planned.collect::<Result<Vec<_>, CreateError>>()?;
        let (ended, begun) = self.0.state().exchange(gone, planned, Now::read())?;
        ended.into_iter().for_each(|id| self.0.order(Order::Delete(id)));
        begun.into_iter().for_each(|id| self.0.order(Order::Begin(id)));
        Ok(())
    }

    /// Hands out nothing of these containers from now on. Traces follow or leave containers as soon as these are told of again.
    pub fn ignore(&self, ignore: Ignore) {
        self.0.state().ignore(ignore);
    }

    /// The trace with this name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn get(&self, name: &str) -> Result<Trace, Unknown> {
        self.0.state().get(name, Now::read()).ok_or_else(|| Unknown(name.to_owned()))
    }

    /// All traces.
    #[must_use]
    pub fn list(&self) -> List {
        self.0.state().list(Now::read())
    }

    /// Deletes a trace, whatever it is doing. Nobody gets an event of it any more, and those who read its events are told the
    /// end. Returns what had become of it.
    ///
    /// # Errors
    ///
    /// When there is none with this name.
    pub fn delete(&self, name: &str) -> Result<Trace, Unknown> {
        let (id, trace) = self.0.state().delete(name, Now::read())?;
        self.0.order(Order::Delete(id));
        Ok(trace)
    }

    /// The events of a trace from now on, until it ends. Who reads slowly misses some of its own and is told how many.
    ///
    /// # Errors
    ///
    /// When there is none with this name.
    pub fn subscribe(&self, name: &str) -> Result<Subscription, Unknown> {
        self.0.state().subscribe(name)
    }
}

/// Where events come in, and news of containers.
#[derive(Clone, Debug)]
pub struct Inlet(Weak<Shared>);

impl Outlet for Inlet {
    fn publish(&self, events: Vec<Event>) {
        if let Some(shared) = self.0.upgrade() {
            shared.state().take(events);
        }
    }

    fn close(&self) {}
}

impl Watcher for Inlet {
    fn changed(&self, id: CgroupId, known: Option<&Known>) {
        if let Some(shared) = self.0.upgrade() {
            shared.state().changed(id, known);
        }
    }
}
