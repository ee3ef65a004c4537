//! The detail of the TCP kinds: the address family; and their event.

use crate::{event::Header, wire::wire};

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Family {
    /// IPv4.
    Ipv4 = 0,
    /// IPv6, IPv4-mapped addresses on an IPv6 socket included.
    Ipv6 = 1,
    /// Another one, or not known because no socket owns the event.
    Other = 2,
}

impl Family {
    /// Every family, in the order of its number.
    pub const ALL: [Self; 3] = [Self::Ipv4, Self::Ipv6, Self::Other];

    /// The family with this `AF_*` number.
    #[inline(always)]
    #[must_use]
    pub const fn of(address_family: u32) -> Self {
        match address_family {
            2 => Self::Ipv4,
            10 => Self::Ipv6,
            _ => Self::Other,
        }
    }

    /// The family with this number.
    #[must_use]
    pub fn from_detail(detail: u32) -> Option<Self> {
        Self::ALL.get(detail as usize).copied()
    }

    /// The name in the `family` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Other => "other",
        }
    }
}

/// What a record tells of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Socket {
    /// The kernel's number for it, which no other socket ever has; 0 when it has none.
    pub cookie: u64,
    /// Its own address; of IPv4 the first 4 bytes.
    pub local: [u8; 16],
    /// The address of its peer, in the same way.
    pub peer: [u8; 16],
    /// The inode number of its network namespace.
    pub net: u32,
    /// Its address family, an `AF_*` number.
    pub family: u16,
    /// Its protocol, an `IPPROTO_*` number.
    pub protocol: u16,
    /// Its own port, in this machine's order of bytes; 0 when it has none.
    pub local_port: u16,
    /// The port of its peer, in the same way.
    pub peer_port: u16,
    /// 0.
    pub reserved: u32,
}

wire!(Socket {
    cookie: u64,
    local: [u8; 16],
    peer: [u8; 16],
    net: u32,
    family: u16,
    protocol: u16,
    local_port: u16,
    peer_port: u16,
    reserved: u32,
});

/// The record of segments that were sent again, and of a received reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Segments {
    /// What all records have.
    pub header: Header,
    /// The socket.
    pub socket: Socket,
    /// How many segments.
    pub count: u64,
}

wire!(Segments { header: Header, socket: Socket, count: u64 });
