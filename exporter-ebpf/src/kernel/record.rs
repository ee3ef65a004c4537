//! A tracepoint's record: its layout is what the kernel describes in tracefs.

use core::ffi::c_void;

use aya_ebpf::helpers::{bpf_probe_read_kernel, generated};
use doubleslit_common::probes::tracepoint::{Extent, Place, RECORD_BYTES, TEXT_BYTES};

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

    /// How many bytes it has, as its own words tell.
    #[inline(always)]
    pub fn length(self, extent: &Extent) -> u32 {
        let mut end = extent.bytes;
        for located in extent.located {
            if located.offset == 0 {
                break;
            }
            // Length and place, 16 bits each (include/trace/stages/stage6_event_callback.h).
            let word = self.number(Place { offset: located.offset, bytes: 4 }) as u32;
            end = end.max(u32::from(located.base) + (word & 0xffff) + (word >> 16));
        }
        end
    }

    /// Copies its first bytes. Returns how many: less than all when it is longer than any record, none when it cannot be read.
    ///
    /// # Safety
    ///
    /// `place` has room for [`RECORD_BYTES`].
    #[inline(always)]
    pub unsafe fn copy(self, place: *mut u8, length: u32) -> usize {
        let bytes = u64::from(length).min(RECORD_BYTES as u64);
        // SAFETY: the helper checks the source, the caller vouches for the place.
        let failed = unsafe { generated::bpf_probe_read_kernel(place.cast(), bytes as u32, self.0) } != 0;
        if failed { 0 } else { bytes as usize }
    }

    /// Reads the text in the process's memory whose address is at an offset, with its final NUL. Returns its length; 0 when
    /// it cannot be read.
    ///
    /// # Safety
    ///
    /// `place` has room for [`TEXT_BYTES`].
    #[inline(always)]
    pub unsafe fn text(self, offset: u16, place: *mut u8) -> usize {
        let address = self.number(Place { offset, bytes: 8 }) as *const c_void;
        // SAFETY: the helper checks the source, the caller vouches for the place.
        let read = unsafe { generated::bpf_probe_read_user_str(place.cast(), TEXT_BYTES as u32, address) };
        if (1..=TEXT_BYTES as i64).contains(&read) { read as usize } else { 0 }
    }
}
