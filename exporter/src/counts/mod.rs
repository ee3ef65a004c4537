//! From the maps to a snapshot: batch reads, monotone totals, retirement, projection to labels.

pub mod snapshot;
pub mod source;
