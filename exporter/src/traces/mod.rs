//! Traces: single events of chosen containers, for whoever asks, begun and ended while the exporter runs.
//!
//! A trace says what it wants ([`Spec`]). [`Traces`] decides from all of them which kinds the kernel sends of which cgroups
//! ([`filters`]), and hands each event to the traces that it is for. Nothing here knows the kernel: it is behind [`Kernel`],
//! which is told of cgroups, and behind what [`Worker`] attaches.

mod entry;
mod error;
pub mod filters;
mod handle;
mod plan;
mod rules;
mod selector;
mod spec;
mod state;
mod status;
mod wanted;
mod worker;

#[cfg(test)]
mod tests;

pub use self::{
    error::{CreateError, SpecError, Unknown},
    filters::Switch,
    handle::{Inlet, Traces},
    selector::{Expression, LabelSelector, Operator},
    spec::Spec,
    state::Kernel,
    status::{Container, List, Phase, Status, Trace},
    wanted::{Catalogue, Key, Wanted, kinds},
    worker::Worker,
};
