//! What `doubleslit top` shows: rates by container and event, or by container, system call and error.

pub mod board;
pub mod order;
pub mod panel;
mod picture;
pub mod screen;
mod totals;

#[cfg(test)]
mod tests;

use std::time::Duration;

use self::order::{Order, Selection};
use crate::identity::labels::IdentityLabel;

/// The labels by which rows are told apart, in the order of [`Owner`](board::Owner).
pub const LABELS: [IdentityLabel; 4] =
    [IdentityLabel::Namespace, IdentityLabel::Pod, IdentityLabel::Container, IdentityLabel::ContainerId];

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Events of the probes that are on.
    Events,
    /// System calls that return, by error.
    Calls,
}

impl View {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Events => Self::Calls,
            Self::Calls => Self::Events,
        }
    }

    /// What it shows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Calls => "system calls",
        }
    }
}

/// How the table begins; keys change it.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is counted.
    pub view: View,
    /// How long rates are measured.
    pub interval: Duration,
    /// The order of rows.
    pub order: Order,
    /// Whose rows there are.
    pub selection: Selection,
    /// How many rows at most.
    pub rows: Option<usize>,
    /// Whether there are colours.
    pub is_colored: bool,
}
