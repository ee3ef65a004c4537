//! The record of a process's end.

use std::time::Duration;

use doubleslit_common::probes::exit::{CORE_DUMPED, Exit as ExitRecord};

use super::{Decoded, Decoder, Reader};
use crate::events::event::{Details, End, Exit};

pub(super) fn decode(decoder: Decoder<'_>, mut reader: Reader<'_>) -> Decoded {
    let ExitRecord { header, process, status, is_oom_victim } = reader.take()?;
    let end = end(status);
    let exit = Exit {
        end,
        // A victim may still have ended by itself.
        is_oom_killed: is_oom_victim != 0 && matches!(end, End::Signal { number: SIGKILL, .. }),
        lifetime: Duration::from_nanos(header.boot_ns.saturating_sub(process.start_boot_ns)),
    };
    Some((Some(decoder.process(process)), Details::Exit(exit)))
}

const SIGKILL: u32 = 9;

/// What a wait status tells (wait(2)).
fn end(status: u32) -> End {
    match status & 0x7f {
        0 => End::Status((status >> 8) as u8),
        number => End::Signal { number, is_core_dumped: status & CORE_DUMPED != 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses() {
        for (status, expected) in [
            (0, End::Status(0)),
            (255 << 8, End::Status(255)),
            (9, End::Signal { number: 9, is_core_dumped: false }),
            (11 | 0x80, End::Signal { number: 11, is_core_dumped: true }),
        ] {
            assert_eq!(end(status), expected);
        }
    }
}
