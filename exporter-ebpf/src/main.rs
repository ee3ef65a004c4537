//! The BPF programs. A program finds out who owns an event and adds one to a per-CPU
//! counter. For those who listen, other programs on the same hooks send what happened.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod atomic;
mod count;
mod event;
mod filter;
mod kernel;
mod notice;
mod probes;
mod sample;
mod stopwatch;
mod traced;

/// Helpers that read kernel memory ask for a GPL-compatible licence.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // No program can panic; were there one, the verifier would refuse the endless loop.
    loop {}
}
