//! Where records come from: the seam between the kernel's ring and what becomes of it.

use std::os::fd::AsFd;

/// Something that has records of events. It can be polled for reading.
pub trait RecordSource: AsFd + Send {
    /// Hands waiting records to `take`, at most so many. Returns how many there were.
    fn drain(&mut self, limit: usize, take: &mut dyn FnMut(&[u8])) -> usize;
}
