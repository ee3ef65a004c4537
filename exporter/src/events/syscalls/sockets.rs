//! What calls about sockets are told.

use std::net::{Ipv4Addr, Ipv6Addr};

use doubleslit_common::probes::syscall_event::ARGUMENTS;

use super::{
    decoded::Decoded,
    names::{Flags, Named, named, one},
};
use crate::events::text::lossless;

/// `AF_*` (include/linux/socket.h).
pub(super) static FAMILY: &[Named] = named![
    AF_UNSPEC,
    AF_UNIX,
    AF_INET,
    AF_AX25,
    AF_IPX,
    AF_APPLETALK,
    AF_NETROM,
    AF_BRIDGE,
    AF_ATMPVC,
    AF_X25,
    AF_INET6,
    AF_ROSE,
    AF_NETBEUI,
    AF_SECURITY,
    AF_KEY,
    AF_NETLINK,
    AF_PACKET,
    AF_ECONET,
    AF_ATMSVC,
    AF_RDS,
    AF_IRDA,
    AF_PPPOX,
    AF_LLC,
    AF_IB,
    AF_MPLS,
    AF_CAN,
    AF_TIPC,
    AF_BLUETOOTH,
    AF_IUCV,
    AF_RXRPC,
    AF_PHONET,
    AF_IEEE802154,
    AF_CAIF,
    AF_ALG,
    AF_VSOCK,
    AF_XDP,
];

/// `SOCK_*`: a type, and flags.
pub(super) static TYPE: Flags = Flags {
    choice: (0xf, named![SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP]),
    flags: named![SOCK_CLOEXEC, SOCK_NONBLOCK],
};

/// What `accept4` is told.
pub(super) static ACCEPT: Flags = Flags::of(named![SOCK_CLOEXEC, SOCK_NONBLOCK]);

/// `IPPROTO_*` (include/uapi/linux/in.h).
static PROTOCOL: &[Named] = named![
    IPPROTO_IP,
    IPPROTO_ICMP,
    IPPROTO_IGMP,
    IPPROTO_IPIP,
    IPPROTO_TCP,
    IPPROTO_EGP,
    IPPROTO_PUP,
    IPPROTO_UDP,
    IPPROTO_IDP,
    IPPROTO_TP,
    IPPROTO_DCCP,
    IPPROTO_IPV6,
    IPPROTO_RSVP,
    IPPROTO_GRE,
    IPPROTO_ESP,
    IPPROTO_AH,
    IPPROTO_ICMPV6,
    IPPROTO_MTP,
    IPPROTO_BEETPH,
    IPPROTO_ENCAP,
    IPPROTO_PIM,
    IPPROTO_COMP,
    IPPROTO_SCTP,
    IPPROTO_UDPLITE,
    IPPROTO_MPLS,
    IPPROTO_RAW,
    IPPROTO_MPTCP,
];

/// The protocol of `socket`, which has names for the internet's families only.
pub(super) fn protocol(value: u64, arguments: &[u64; ARGUMENTS]) -> Decoded {
    match arguments[0] as i32 {
        libc::AF_INET | libc::AF_INET6 => one(PROTOCOL, value & u64::from(u32::MAX)),
        _ => Decoded::number(value as i32),
    }
}

/// `MSG_*` (include/linux/socket.h).
pub(super) static MESSAGE: Flags = Flags::of(named![
    MSG_OOB,
    MSG_PEEK,
    MSG_DONTROUTE,
    MSG_CTRUNC,
    MSG_TRUNC,
    MSG_DONTWAIT,
    MSG_EOR,
    MSG_WAITALL,
    MSG_FIN,
    MSG_SYN,
    MSG_CONFIRM,
    MSG_RST,
    MSG_ERRQUEUE,
    MSG_NOSIGNAL,
    MSG_MORE,
    MSG_WAITFORONE,
    MSG_FASTOPEN,
    MSG_CMSG_CLOEXEC,
]);

/// What `shutdown` is told.
pub(super) static SHUTDOWN: &[Named] = named![SHUT_RD, SHUT_WR, SHUT_RDWR];

/// `SOL_*`: the level of an option.
pub(super) static LEVEL: &[Named] = named![
    SOL_IP,
    SOL_SOCKET,
    SOL_TCP,
    SOL_UDP,
    SOL_IPV6,
    SOL_ICMPV6,
    SOL_RAW,
    SOL_PACKET,
    SOL_NETLINK,
    SOL_ALG,
    SOL_TLS,
];

static OF_SOCKETS: &[Named] = named![
    SO_DEBUG,
    SO_REUSEADDR,
    SO_TYPE,
    SO_ERROR,
    SO_DONTROUTE,
    SO_BROADCAST,
    SO_SNDBUF,
    SO_RCVBUF,
    SO_SNDBUFFORCE,
    SO_RCVBUFFORCE,
    SO_KEEPALIVE,
    SO_OOBINLINE,
    SO_NO_CHECK,
    SO_PRIORITY,
    SO_LINGER,
    SO_BSDCOMPAT,
    SO_REUSEPORT,
    SO_PASSCRED,
    SO_PEERCRED,
    SO_RCVLOWAT,
    SO_SNDLOWAT,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    SO_BINDTODEVICE,
    SO_ATTACH_FILTER,
    SO_DETACH_FILTER,
    SO_PEERNAME,
    SO_TIMESTAMP,
    SO_ACCEPTCONN,
    SO_PEERSEC,
    SO_PASSSEC,
    SO_TIMESTAMPNS,
    SO_MARK,
    SO_TIMESTAMPING,
    SO_PROTOCOL,
    SO_DOMAIN,
    SO_RXQ_OVFL,
    SO_PEEK_OFF,
    SO_NOFCS,
    SO_LOCK_FILTER,
    SO_BUSY_POLL,
    SO_INCOMING_CPU,
    SO_ATTACH_BPF,
    SO_ATTACH_REUSEPORT_CBPF,
    SO_ATTACH_REUSEPORT_EBPF,
    SO_MEMINFO,
    SO_INCOMING_NAPI_ID,
    SO_COOKIE,
    SO_PEERGROUPS,
    SO_ZEROCOPY,
    SO_TXTIME,
    SO_BINDTOIFINDEX,
    SO_PREFER_BUSY_POLL,
    SO_BUSY_POLL_BUDGET,
];

static OF_TCP: &[Named] = named![
    TCP_NODELAY,
    TCP_MAXSEG,
    TCP_CORK,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    TCP_KEEPCNT,
    TCP_SYNCNT,
    TCP_LINGER2,
    TCP_DEFER_ACCEPT,
    TCP_WINDOW_CLAMP,
    TCP_INFO,
    TCP_QUICKACK,
    TCP_CONGESTION,
    TCP_MD5SIG,
    TCP_THIN_LINEAR_TIMEOUTS,
    TCP_THIN_DUPACK,
    TCP_USER_TIMEOUT,
    TCP_REPAIR,
    TCP_REPAIR_QUEUE,
    TCP_QUEUE_SEQ,
    TCP_REPAIR_OPTIONS,
    TCP_FASTOPEN,
    TCP_TIMESTAMP,
    TCP_NOTSENT_LOWAT,
    TCP_CC_INFO,
    TCP_SAVE_SYN,
    TCP_SAVED_SYN,
    TCP_FASTOPEN_CONNECT,
    TCP_ULP,
];

static OF_IP: &[Named] = named![
    IP_TOS,
    IP_TTL,
    IP_HDRINCL,
    IP_OPTIONS,
    IP_RECVOPTS,
    IP_RETOPTS,
    IP_PKTINFO,
    IP_MTU_DISCOVER,
    IP_RECVERR,
    IP_RECVTTL,
    IP_RECVTOS,
    IP_MTU,
    IP_FREEBIND,
    IP_IPSEC_POLICY,
    IP_XFRM_POLICY,
    IP_TRANSPARENT,
    IP_ORIGDSTADDR,
    IP_MINTTL,
    IP_NODEFRAG,
    IP_BIND_ADDRESS_NO_PORT,
    IP_MULTICAST_IF,
    IP_MULTICAST_TTL,
    IP_MULTICAST_LOOP,
    IP_ADD_MEMBERSHIP,
    IP_DROP_MEMBERSHIP,
    IP_UNBLOCK_SOURCE,
    IP_BLOCK_SOURCE,
    IP_ADD_SOURCE_MEMBERSHIP,
    IP_DROP_SOURCE_MEMBERSHIP,
    IP_MULTICAST_ALL,
    IP_UNICAST_IF,
];

static OF_IPV6: &[Named] = named![
    IPV6_ADDRFORM,
    IPV6_CHECKSUM,
    IPV6_NEXTHOP,
    IPV6_UNICAST_HOPS,
    IPV6_MULTICAST_IF,
    IPV6_MULTICAST_HOPS,
    IPV6_MULTICAST_LOOP,
    IPV6_ADD_MEMBERSHIP,
    IPV6_DROP_MEMBERSHIP,
    IPV6_ROUTER_ALERT,
    IPV6_MTU_DISCOVER,
    IPV6_MTU,
    IPV6_RECVERR,
    IPV6_V6ONLY,
    IPV6_RECVPKTINFO,
    IPV6_PKTINFO,
    IPV6_RECVHOPLIMIT,
    IPV6_HOPLIMIT,
    IPV6_RECVTCLASS,
    IPV6_TCLASS,
    IPV6_TRANSPARENT,
];

/// The option of a level, which is the argument before it.
pub(super) fn option(value: u64, arguments: &[u64; ARGUMENTS]) -> Decoded {
    let value = value & u64::from(u32::MAX);
    match arguments[1] as i32 {
        libc::SOL_SOCKET => one(OF_SOCKETS, value),
        libc::SOL_TCP => one(OF_TCP, value),
        libc::SOL_IP => one(OF_IP, value),
        libc::SOL_IPV6 => one(OF_IPV6, value),
        _ => Decoded::number(value),
    }
}

/// `struct sockaddr`.
pub(super) fn address(bytes: &[u8]) -> Option<Decoded> {
    let (family, rest) = bytes.split_first_chunk()?;
    let family = u16::from_ne_bytes(*family);
    let mut fields = vec![("family", one(FAMILY, family.into()))];
    match i32::from(family) {
        libc::AF_INET => {
            let (port, rest) = rest.split_first_chunk()?;
            fields.push(("address", Decoded::text(Ipv4Addr::from(*rest.first_chunk::<4>()?).to_string())));
            fields.push(("port", Decoded::number(u16::from_be_bytes(*port))));
        }
        libc::AF_INET6 => {
            let (port, rest) = rest.split_first_chunk()?;
            let (_flow, rest) = rest.split_first_chunk::<4>()?;
            let (address, rest) = rest.split_first_chunk::<16>()?;
            fields.push(("address", Decoded::text(Ipv6Addr::from(*address).to_string())));
            fields.push(("port", Decoded::number(u16::from_be_bytes(*port))));
            // Old programs do without it.
            let scope = rest.first_chunk().map_or(0, |scope| u32::from_ne_bytes(*scope));
            if scope != 0 {
                fields.push(("scope", Decoded::number(scope)));
            }
        }
        libc::AF_UNIX => fields.push(("path", Decoded::Text(unix_path(rest)))),
        _ => {}
    }
    Some(Decoded::Fields(fields))
}

/// The path of a socket, up to its NUL; one that begins with a NUL is abstract, and is written with `@` in its place.
fn unix_path(bytes: &[u8]) -> String {
    match bytes {
        [0, name @ ..] if !name.is_empty() => format!("@{}", lossless(name)),
        path => lossless(path.split(|byte| *byte == 0).next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fields: &[(&'static str, Decoded)]) -> Option<Decoded> {
        Some(Decoded::Fields(fields.to_vec()))
    }

    #[test]
    fn addresses() {
        let text = |text: &str| Decoded::text(text);
        let family = |family: i32, rest: &[u8]| [&(family as u16).to_ne_bytes()[..], rest].concat();
        let ipv6 = [&[0x1f, 0x90, 0, 0, 0, 0][..], &[0; 15], &[1], &7_u32.to_ne_bytes()].concat();
        for (bytes, expected) in [
            (
                family(libc::AF_INET, &[0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
                fields(&[("family", text("AF_INET")), ("address", text("127.0.0.1")), ("port", Decoded::number(8080))]),
            ),
            (
                family(libc::AF_INET6, &ipv6),
                fields(&[
                    ("family", text("AF_INET6")),
                    ("address", text("::1")),
                    ("port", Decoded::number(8080)),
                    ("scope", Decoded::number(7)),
                ]),
            ),
            (
                family(libc::AF_UNIX, b"/run/a.sock\0rest"),
                fields(&[("family", text("AF_UNIX")), ("path", text("/run/a.sock"))]),
            ),
            (family(libc::AF_UNIX, b"\0name"), fields(&[("family", text("AF_UNIX")), ("path", text("@name"))])),
            (family(libc::AF_UNIX, b""), fields(&[("family", text("AF_UNIX")), ("path", text(""))])),
            (family(libc::AF_UNSPEC, &[0; 14]), fields(&[("family", text("AF_UNSPEC"))])),
            (family(4711, &[]), fields(&[("family", text("0x1267"))])),
            (family(libc::AF_INET, &[0x1f, 0x90, 127, 0, 0]), None),
            (vec![2], None),
        ] {
            assert_eq!(address(&bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn options_depend_on_their_level() {
        let named = |level: i32, name: i32| option(name as u64, &[3, level as u64, name as u64, 0, 0, 0]);
        assert_eq!(named(libc::SOL_SOCKET, libc::SO_REUSEADDR), Decoded::text("SO_REUSEADDR"));
        assert_eq!(named(libc::SOL_TCP, libc::TCP_NODELAY), Decoded::text("TCP_NODELAY"));
        assert_eq!(named(libc::SOL_IPV6, libc::IPV6_V6ONLY), Decoded::text("IPV6_V6ONLY"));
        assert_eq!(named(0x7777, 3), Decoded::number(3));
    }

    #[test]
    fn types_and_protocols() {
        let flags = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as u64;
        assert_eq!(TYPE.names(flags), ["SOCK_STREAM", "SOCK_CLOEXEC"]);
        let of = |family: i32| protocol(6, &[family as u64, 0, 6, 0, 0, 0]);
        assert_eq!((of(libc::AF_INET), of(libc::AF_NETLINK)), (Decoded::text("IPPROTO_TCP"), Decoded::number(6)));
    }
}
