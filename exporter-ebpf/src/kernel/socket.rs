//! `struct sock` (include/net/sock.h): its owner is the cgroup it was made in, whoever happens to run.

use core::{ffi::c_void, ptr::NonNull};

use aya_ebpf::{Global, helpers::bpf_get_socket_cookie};
use doubleslit_common::probes::{
    socket_state::state::{NEW_SYN_RECV, TIME_WAIT},
    tcp::{self, Family},
};

use super::{
    cgroup::Cgroup,
    field::{
        self, INET_SOCK_LOCAL_PORT, NET_NS_INUM, SOCK_CGROUP, SOCK_FAMILY, SOCK_LISTENER, SOCK_LOCAL_IPV4,
        SOCK_LOCAL_IPV6, SOCK_NET, SOCK_PEER_IPV4, SOCK_PEER_IPV6, SOCK_PEER_PORT, SOCK_PROTOCOL, SOCK_STATE,
    },
};

/// `AF_INET6` (include/linux/socket.h).
const INET6: u16 = 10;

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

    /// Its own port. It must be one of the internet protocols.
    #[inline(always)]
    pub fn local_port(self) -> u16 {
        // The verifier knows a plain socket, but there is more behind it.
        u16::from_be(field::probe::<u16>(self.0, &INET_SOCK_LOCAL_PORT).unwrap_or(0))
    }

    /// The port at the other end.
    #[inline(always)]
    pub fn peer_port(self) -> u16 {
        // SAFETY: see `new`.
        u16::from_be(unsafe { field::load::<u16>(self.0, &SOCK_PEER_PORT) })
    }

    /// What a record tells of it. It must be one of the internet protocols.
    #[inline(always)]
    pub fn describe(self) -> tcp::Socket {
        // SAFETY: see `new`; the network namespace is a typed pointer loaded from the socket.
        let (family, protocol, net) = unsafe {
            (
                field::load::<u16>(self.0, &SOCK_FAMILY),
                field::load::<u16>(self.0, &SOCK_PROTOCOL),
                field::load(field::load(self.0, &SOCK_NET), &NET_NS_INUM),
            )
        };
        tcp::Socket {
            // SAFETY: the helper takes a socket that the verifier knows.
            cookie: unsafe { bpf_get_socket_cookie(self.0.cast_mut()) },
            local: self.address(family, &SOCK_LOCAL_IPV4, &SOCK_LOCAL_IPV6),
            peer: self.address(family, &SOCK_PEER_IPV4, &SOCK_PEER_IPV6),
            net,
            family,
            protocol,
            local_port: self.local_port(),
            peer_port: self.peer_port(),
            reserved: 0,
        }
    }

    #[inline(always)]
    fn address(self, family: u16, ipv4: &Global<u32>, ipv6: &Global<u32>) -> [u8; 16] {
        if family == INET6 {
            return field::probe(self.0, ipv6).unwrap_or_default();
        }
        let mut address = [0; 16];
        address[..4].copy_from_slice(&field::probe::<[u8; 4]>(self.0, ipv4).unwrap_or_default());
        address
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
