//! The records of TCP segments, and sockets in records.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use doubleslit_common::probes::tcp::{Family, Segments as SegmentsRecord, Socket as SocketRecord};

use super::{Decoded, Reader};
use crate::events::event::{Details, Segments, Socket};

pub(super) fn decode(mut reader: Reader<'_>, details: fn(Segments) -> Details) -> Decoded {
    let SegmentsRecord { header: _, socket: record, count } = reader.take()?;
    Some((None, details(Segments { socket: socket(record), count })))
}

pub(super) fn socket(record: SocketRecord) -> Socket {
    let family = Family::of(record.family.into());
    let has_peer = record.peer_port != 0;
    Socket { local: address(family, record.local), peer: address(family, record.peer).filter(|_| has_peer), record }
}

fn address(family: Family, bytes: [u8; 16]) -> Option<IpAddr> {
    match family {
        Family::Ipv4 => {
            let [a, b, c, d, ..] = bytes;
            Some(Ipv4Addr::new(a, b, c, d).into())
        }
        Family::Ipv6 => Some(Ipv6Addr::from_octets(bytes).into()),
        Family::Other => None,
    }
}
