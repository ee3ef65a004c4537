//! Real daemons, real containers, exact loads.
//!
//! The binary `doubleslit-load` does exactly N of one thing ([`load`]). The rest starts what it is measured with: the
//! exporter, a private Docker engine, cgroups, networks; and reads the numbers back.

pub mod load;
pub mod sys;
