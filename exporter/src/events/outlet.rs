//! Where events go that were read.

use std::fmt::Debug;

use super::event::Event;

/// Takes events.
pub trait Outlet: Debug + Send + Sync {
    /// Takes events, and lets nobody wait.
    fn publish(&self, events: Vec<Event>);

    /// There will be no more.
    fn close(&self);
}
