//! What the kernel is asked to send.

use crate::{bpf::events::EventSettings, config::Events, filter::kernel::KernelFilter};

/// The bit of everybody who listens: all get what the configuration asks for.
const LISTENERS: u32 = 1;

/// What the kernel sends for those events that a configuration asks for.
pub(super) fn settings(events: &Events) -> EventSettings {
    let Events { kinds, filter, sampling, ring_bytes, arguments, working_directory } = events;
    let wanted = kinds.iter().filter(|kind| filter.concerns(**kind));
    EventSettings {
        gates: wanted.map(|kind| (*kind, sampling.gate(*kind, LISTENERS))).collect(),
        filter: KernelFilter::of(filter),
        ring_bytes: *ring_bytes,
        arguments: if arguments.enabled { arguments.bytes } else { 0 },
        working_directory: *working_directory,
    }
}
