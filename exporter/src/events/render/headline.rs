//! What a line for people shows of an event behind its columns.

use std::sync::LazyLock;

use doubleslit_common::kind::Kind;

use crate::events::fields::{self, Field};

/// A part of a line: of names of fields, or of the fields themselves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<F> {
    /// A value that needs no name.
    Bare(F),
    /// A value with its name.
    Named(F),
    /// An address and a port.
    Endpoint(F, F),
    /// What it was and what it is now.
    Change(F, F),
}

use Part::{Bare, Change, Endpoint, Named};

/// The choice for a kind. Others show all fields that are their own.
fn choice(kind: Kind) -> Option<&'static [Part<&'static str>]> {
    Some(match kind {
        Kind::Exec => &[
            Bare("path"),
            Bare("args"),
            Named("args_cut"),
            Named("cwd"),
            Named("cwd_cut"),
            Named("interpreter"),
            Named("parent_pid"),
            Named("parent_comm"),
        ],
        Kind::Fork => &[Named("parent_pid"), Named("parent_comm")],
        Kind::Thread => &[Named("tid")],
        Kind::Exit => {
            &[Named("exit_code"), Named("exit_signal"), Named("core_dumped"), Named("oom_killed"), Named("lifetime")]
        }
        Kind::SignalGenerate => &[
            Bare("signal"),
            Named("result"),
            Named("code"),
            Named("sender_pid"),
            Named("sender_comm"),
            Named("sender_container"),
        ],
        Kind::SignalDeliver => &[Bare("signal"), Named("code"), Named("handler"), Named("flags")],
        Kind::SocketState => &[
            Bare("protocol"),
            Endpoint("local_address", "local_port"),
            Endpoint("peer_address", "peer_port"),
            Change("old_state", "new_state"),
        ],
        Kind::TcpRetransmit => &[
            Bare("protocol"),
            Endpoint("local_address", "local_port"),
            Endpoint("peer_address", "peer_port"),
            Named("segments"),
        ],
        Kind::TcpResetSend | Kind::TcpResetReceive => {
            &[Bare("protocol"), Endpoint("local_address", "local_port"), Endpoint("peer_address", "peer_port")]
        }
        Kind::Tracepoint => {
            &[Bare("tracepoint"), Named("fields"), Named("fields_cut"), Named("fields_unread"), Named("raw")]
        }
        Kind::Syscall => &[
            Bare("syscall"),
            Bare("arguments"),
            Named("return_value"),
            Bare("errno"),
            Named("duration"),
            Named("tid"),
            Named("arguments_cut"),
            Named("arguments_unreadable"),
        ],
        Kind::OomKill
        | Kind::ContainerStart
        | Kind::ContainerStop
        | Kind::SyscallTime
        | Kind::SyscallUntimed
        | Kind::SyscallLatency
        | Kind::EventLost => return None,
    })
}

/// The parts of a kind's line.
pub(super) fn parts(kind: Kind) -> &'static [Part<&'static Field>] {
    static PARTS: LazyLock<[Vec<Part<&'static Field>>; Kind::COUNT]> = LazyLock::new(|| Kind::ALL.map(found));
    &PARTS[kind as usize]
}

fn found(kind: Kind) -> Vec<Part<&'static Field>> {
    let all = fields::of_kind(kind);
    let Some(parts) = choice(kind) else {
        return all.iter().copied().filter(|field| fields::is_of_kind(field)).map(Named).collect();
    };
    let field = |name| all.iter().copied().find(|field| field.name == name);
    let found = |part: &Part<&'static str>| {
        Some(match *part {
            Bare(name) => Bare(field(name)?),
            Named(name) => Named(field(name)?),
            Endpoint(address, port) => Endpoint(field(address)?, field(port)?),
            Change(old, new) => Change(field(old)?, field(new)?),
        })
    };
    parts.iter().filter_map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_are_fields_of_the_kind() {
        for kind in fields::KINDS {
            if let Some(chosen) = choice(*kind) {
                let found = parts(*kind);
                assert_eq!(found.len(), chosen.len(), "`{}` lacks a field of {chosen:?}", kind.name());
            }
        }
    }
}
