//! The detail of the TCP kinds: the address family.

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
