//! The record of a socket's change of state.

use doubleslit_common::probes::socket_state::SocketState as StateRecord;

use super::{Decoded, Decoder, Reader, tcp};
use crate::events::event::{Details, SocketState};

pub(super) fn decode(decoder: Decoder<'_>, mut reader: Reader<'_>) -> Decoded {
    let StateRecord { header: _, process, socket, old, new, has_process, reserved: _ } = reader.take()?;
    let process = (has_process != 0).then(|| decoder.process(process));
    Some((process, Details::SocketState(SocketState { socket: tcp::socket(socket), old, new })))
}
