//! The record of a victim of the OOM killer.

use doubleslit_common::probes::oom::OomKill as OomRecord;

use super::{Decoded, Decoder, Reader};
use crate::events::event::{Details, OomKill};

pub(super) fn decode(decoder: Decoder<'_>, mut reader: Reader<'_>) -> Decoded {
    let OomRecord {
        header: _,
        process,
        total_pages,
        anonymous_pages,
        file_pages,
        shared_pages,
        page_table_bytes,
        score_adjustment,
        reserved: _,
    } = reader.take()?;
    let bytes = |pages: u64| pages.saturating_mul(rustix::param::page_size() as u64);
    let kill = OomKill {
        total: bytes(total_pages),
        anonymous: bytes(anonymous_pages),
        file: bytes(file_pages),
        shared: bytes(shared_pages),
        page_tables: page_table_bytes,
        score_adjustment,
    };
    Some((Some(decoder.process(process)), Details::OomKill(kill)))
}
