//! `struct sock` (include/net/sock.h): its owner is the cgroup it was made in, whoever happens to run.

use core::{ffi::c_void, ptr::NonNull};

use doubleslit_common::probes::{
    socket_state::state::{NEW_SYN_RECV, TIME_WAIT},
    tcp::Family,
};

use super::{
    cgroup::Cgroup,
    field::{self, SOCK_CGROUP, SOCK_FAMILY, SOCK_LISTENER, SOCK_PROTOCOL, SOCK_STATE},
};

/// A whole socket that the verifier knows: an argument of a BTF tracepoint.
#[derive(Clone, Copy)]
pub struct Socket(*const c_void);

impl Socket {
    /// The socket behind a tracepoint's argument.
    ///
    /// # Safety
    ///
    /// The argument is a `struct sock *`, never null, and a whole socket.
    #[inline(always)]
    pub unsafe fn new(argument: *const c_void) -> Self {
        Self(argument)
    }

    /// The id of the cgroup that it was made in.
    #[inline(always)]
    pub fn cgroup_id(self) -> u64 {
        // SAFETY: the cgroup is a typed pointer loaded from the socket, see `new`.
        unsafe { Cgroup(field::load(self.0, &SOCK_CGROUP)).id() }
    }

    /// Its address family.
    #[inline(always)]
    pub fn family(self) -> Family {
        // SAFETY: see `new`.
        Family::of(u32::from(unsafe { field::load::<u16>(self.0, &SOCK_FAMILY) }))
    }

    /// Its protocol, an `IPPROTO_*` number.
    #[inline(always)]
    pub fn protocol(self) -> u32 {
        // SAFETY: see `new`.
        u32::from(unsafe { field::load::<u16>(self.0, &SOCK_PROTOCOL) })
    }
}

/// Something that starts like a socket: what the TCP reset hook passes, when it passes anything.
#[derive(Clone, Copy)]
pub struct MaybeSocket(NonNull<c_void>);

impl MaybeSocket {
    /// The argument of the hook; nothing when there is no socket.
    #[inline(always)]
    pub fn new(argument: *const c_void) -> Option<Self> {
        NonNull::new(argument.cast_mut()).map(Self)
    }

    /// The id of the cgroup that owns it: for a connection request the listener's. Nothing for a socket in TIME_WAIT, where
    /// the kernel has already let go of the cgroup.
    #[inline(always)]
    pub fn cgroup_id(self) -> Option<u64> {
        let socket = self.0.as_ptr().cast_const();
        let whole = match u32::from(field::probe::<u8>(socket, &SOCK_STATE)?) {
            TIME_WAIT => return None,
            NEW_SYN_RECV => field::probe(socket, &SOCK_LISTENER)?,
            _ => socket,
        };
        Cgroup(field::probe(whole, &SOCK_CGROUP)?).probe_id()
    }

    /// Its address family.
    #[inline(always)]
    pub fn family(self) -> Option<Family> {
        field::probe::<u16>(self.0.as_ptr(), &SOCK_FAMILY).map(|family| Family::of(u32::from(family)))
    }
}
