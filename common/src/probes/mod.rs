//! What each probe puts into a key's detail. A probe without a module here has no detail.

pub mod exit;
pub mod signal;
pub mod socket_state;
pub mod tcp;
