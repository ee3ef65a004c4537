//! The records of signals.

use std::sync::Arc;

use doubleslit_common::probes::signal::{
    SignalDeliver as DeliverRecord, SignalGenerate as GenerateRecord, SignalResult,
};

use super::{Decoded, Decoder, Reader};
use crate::events::event::{Details, Sender, Signal, SignalDeliver, SignalGenerate};

pub(super) fn decode_generated(decoder: Decoder<'_>, mut reader: Reader<'_>) -> Decoded {
    let GenerateRecord { header: _, process, sender, signal, result, code, errno, is_group, reserved: _ } =
        reader.take()?;
    let generated = SignalGenerate {
        signal: Signal { number: signal, code, errno },
        result: SignalResult::ALL.get(result as usize).copied(),
        is_group: is_group != 0,
        sender: (sender.is_kernel == 0).then(|| Sender { record: sender, identity: Arc::default() }),
    };
    Some((Some(decoder.process(process)), Details::SignalGenerate(generated)))
}

pub(super) fn decode_delivered(decoder: Decoder<'_>, mut reader: Reader<'_>) -> Decoded {
    let DeliverRecord { header: _, process, handler, flags, signal, code, errno, reserved: _ } = reader.take()?;
    let delivered = SignalDeliver { signal: Signal { number: signal, code, errno }, handler, flags };
    Some((Some(decoder.process(process)), Details::SignalDeliver(delivered)))
}
