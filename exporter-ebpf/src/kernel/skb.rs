//! `struct sk_buff` (include/linux/skbuff.h) as TCP uses it.

use core::ffi::c_void;

use super::field::{self, SKB_CB, TCP_CB_GSO_SEGS};

/// How many segments the buffer becomes on the wire (`tcp_skb_pcount`, include/net/tcp.h).
#[inline(always)]
pub fn tcp_segments(skb: *const c_void) -> u64 {
    let control = skb.wrapping_byte_add(SKB_CB.load() as usize);
    field::probe::<u16>(control, &TCP_CB_GSO_SEGS).map_or(1, |segments| u64::from(segments.max(1)))
}
