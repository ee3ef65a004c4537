//! Any tracepoint: what the kernel says of it, and what is made of that.

mod beside;
mod command;
mod counts;
mod descriptions;
mod events;
mod libtraceevent;
