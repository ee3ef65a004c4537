//! From the maps to a snapshot: batch reads, monotone totals, retirement, projection to labels.

mod cells;
pub mod collector;
#[cfg(test)]
pub(crate) mod fake;
pub mod limits;
mod rows;
pub mod snapshot;
pub mod source;
pub mod tally;
