//! The proof that a type may cross the kernel boundary: every field is listed, may have any value, and there is no padding.

/// A type of which any bytes are a value.
///
/// # Safety
///
/// Every pattern of bits is a value of the type, and it has no padding.
pub unsafe trait Wire: Copy {}

macro_rules! any_bits {
    ($($type:ty),+) => {
        $(
            // SAFETY: an integer.
            unsafe impl Wire for $type {}
        )+
    };
}

any_bits!(u8, u16, u32, u64, i16, i32, i64);

// SAFETY: an array has its elements one behind the other.
unsafe impl<T: Wire, const N: usize> Wire for [T; N] {}

/// Takes a value from the beginning of bytes; nothing when they are too few.
#[must_use]
pub fn take<T: Wire>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let (value, rest) = bytes.split_at_checked(size_of::<T>())?;
    // SAFETY: there are as many bytes as the type has, and any bytes are a value of it.
    Some((unsafe { value.as_ptr().cast::<T>().read_unaligned() }, rest))
}

/// Proves at compile time that a `#[repr(C)]` struct has exactly these fields and no padding between or after them.
macro_rules! wire {
    ($type:ident { $($field:ident: $field_type:ty),+ $(,)? }) => {
        const _: () = {
            const fn all_fields_listed(value: &$type) {
                let $type { $($field: _),+ } = value;
            }
            const fn any_bits<T: $crate::wire::Wire>() {}
            let _ = all_fields_listed;
            $(any_bits::<$field_type>();)+
            assert!(
                ::core::mem::size_of::<$type>() == 0 $(+ ::core::mem::size_of::<$field_type>())+,
                "the type has padding"
            );
        };

        // SAFETY: proved above.
        unsafe impl $crate::wire::Wire for $type {}
    };
}

pub(crate) use wire;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_there() {
        assert_eq!(take::<u32>(&[1, 0, 0, 0, 7]), Some((u32::from_ne_bytes([1, 0, 0, 0]), &[7][..])));
        assert_eq!(take::<[u8; 3]>(&[1, 2]), None);
    }
}
