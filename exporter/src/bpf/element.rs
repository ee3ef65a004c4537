//! Values that userspace writes into maps.
#![expect(unsafe_code, reason = "aya takes map elements of types that are vouched for")]

use doubleslit_common::wire::Wire;

/// A value as the map has it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Element<T: Wire>(pub T);

// SAFETY: `Wire` says that it has no padding and that any bytes are one.
unsafe impl<T: Wire + 'static> aya::Pod for Element<T> {}
