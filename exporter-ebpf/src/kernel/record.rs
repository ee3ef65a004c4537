//! A tracepoint's record: its layout is what the kernel describes in tracefs.

use core::ffi::c_void;

use aya_ebpf::helpers::bpf_probe_read_kernel;
use doubleslit_common::probes::tracepoint::Place;

/// A record that the kernel made for a program.
#[derive(Clone, Copy)]
pub struct TracepointRecord(*const c_void);

impl TracepointRecord {
    /// The record that is a program's context.
    #[inline(always)]
    pub fn new(context: *const c_void) -> Self {
        Self(context)
    }

    /// The number at a place, without a sign; 0 where it cannot be read.
    #[inline(always)]
    pub fn number(self, place: Place) -> u64 {
        let address = self.0.wrapping_byte_add(place.offset as usize);
        // SAFETY: the helper checks the address and reports a fault.
        let read = unsafe {
            match place.bytes {
                1 => bpf_probe_read_kernel(address.cast::<u8>()).map(u64::from),
                2 => bpf_probe_read_kernel(address.cast::<u16>()).map(u64::from),
                4 => bpf_probe_read_kernel(address.cast::<u32>()).map(u64::from),
                8 => bpf_probe_read_kernel(address.cast::<u64>()),
                _ => return 0,
            }
        };
        read.unwrap_or(0)
    }
}
