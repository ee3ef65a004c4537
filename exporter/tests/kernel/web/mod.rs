//! Who gets in, and what those who attack get of the machine.

mod attacks;
mod passwords;
mod prometheus;
mod requests;
mod socket;
mod target;
mod tls;
