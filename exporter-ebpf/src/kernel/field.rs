//! Reading a field at the offset that userspace found in the running kernel's BTF.

use core::ffi::c_void;

use aya_ebpf::{Global, helpers::bpf_probe_read_kernel};
use doubleslit_common::{kernel_fields, layout::ABSENT};

macro_rules! declare {
    ($($symbol:ident: $structure:literal $path:literal $size:literal;)+) => {
        $(
            #[doc = concat!("The offset of `", $path, "` in `", $structure, "`.")]
            #[unsafe(no_mangle)]
            pub static $symbol: Global<u32> = Global::new(ABSENT);
        )+
    };
}

kernel_fields!(declare);

/// Reads a field by a plain load: the fastest way, and the verifier checks the type.
///
/// # Safety
///
/// `base` is a pointer whose type the verifier knows and that is not null: an argument of a BTF tracepoint or a pointer
/// loaded from one by this function. (From a pointer that was loaded, the kernel turns a fault into 0.)
#[inline(always)]
pub unsafe fn load<T: Copy>(base: *const c_void, field: &Global<u32>) -> T {
    // SAFETY: the caller vouches for the pointer, and the verifier refuses an offset that is not that of a field of this
    // size. Volatile, so that the compiler does not load less than the field.
    unsafe { base.byte_add(field.load() as usize).cast::<T>().read_volatile() }
}

/// Reads a field of a structure that may not be there.
#[inline(always)]
pub fn probe<T: Copy>(base: *const c_void, field: &Global<u32>) -> Option<T> {
    let address = base.wrapping_byte_add(field.load() as usize).cast::<T>();
    // SAFETY: the helper checks the address and reports a fault.
    unsafe { bpf_probe_read_kernel(address) }.ok()
}
