//! What crosses the boundary between the kernel and userspace: map keys, notices, and the pure decisions both sides share.
//!
//! The crate knows nobody. It has no dependencies, allocates nothing and compiles for the BPF target.
#![cfg_attr(not(test), no_std)]
#![expect(unsafe_code, reason = "bytes become values at this boundary")]

pub mod event;
pub mod filter;
pub mod key;
pub mod kind;
pub mod layout;
pub mod limits;
pub mod loss;
pub mod notice;
pub mod probes;
pub mod sample;
pub mod slot;
pub mod traced;
pub mod wire;
