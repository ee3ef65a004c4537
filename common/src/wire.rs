//! The proof that a type may cross the kernel boundary: every field is listed and there is no padding.

/// Proves at compile time that a `#[repr(C)]` struct has exactly these fields and no padding between or after them.
macro_rules! wire {
    ($type:ident { $($field:ident: $field_type:ty),+ $(,)? }) => {
        const _: () = {
            const fn all_fields_listed(value: &$type) {
                let $type { $($field: _),+ } = value;
            }
            let _ = all_fields_listed;
            assert!(
                ::core::mem::size_of::<$type>() == 0 $(+ ::core::mem::size_of::<$field_type>())+,
                "the type has padding"
            );
        };
    };
}

pub(crate) use wire;
