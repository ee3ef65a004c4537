//! The bounds of everything that is bounded in the kernel.

/// Bytes of a cgroup's path in a notice, the final NUL included. A longer path is cut and read from cgroupfs instead.
pub const PATH_BYTES: usize = 1024;

/// Bytes of the ring that carries cgroup notices: a power of two and a multiple of the page size.
pub const NOTICE_RING_BYTES: u32 = 1 << 20;
