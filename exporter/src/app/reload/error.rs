//! Why a configuration is not taken over.

use doubleslit_common::kind::Kind;

use crate::{
    bpf::gates::GateError,
    config::{self, Change},
    traces::CreateError,
};

/// Why a configuration is not taken over. The one before goes on to apply, all of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReloadError {
    /// It is wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// It says something about what only a start decides.
    #[error("{}: restart to apply; nothing was changed", listed(.0))]
    Restart(Vec<Change>),
    /// It asks for single events whose programs are not attached.
    #[error(
        "`events` asks for single events of the kind {} that it did not ask for when the exporter started: restart to apply; nothing \
         was changed", named(.0)
    )]
    Kinds(Vec<Kind>),
    /// A trace that it declares cannot be had.
    #[error("cannot begin what `traces` declares; nothing was changed")]
    Trace(#[from] CreateError),
    /// The kernel cannot be told which single events are wanted.
    #[error("cannot tell the kernel which single events are wanted: restart to apply; nothing was changed")]
    Gates(#[from] GateError),
    /// Whoever was to read it is gone.
    #[error("the configuration was not read to its end")]
    Panic,
}

fn listed(changes: &[Change]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn named(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| format!("`{}`", kind.name())).collect::<Vec<_>>().join(", ")
}
