//! The kernel's tracepoints: what their records hold, as the kernel itself describes it.

pub mod field;
pub mod format;
pub mod hits;
pub mod name;
pub mod record;
pub mod select;
pub mod table;
pub mod traced;
pub mod tracefs;
