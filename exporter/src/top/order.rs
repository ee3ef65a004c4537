//! Which rows there are, and in which order.

use std::cmp::Ordering;

use super::board::Row;
use crate::identity::ignore::Pattern;

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The container's name.
    Container,
    /// The event, or the system call and its error.
    What,
    /// How many a second.
    Rate,
    /// How many since the beginning.
    Total,
}

impl Column {
    /// Every column, from left to right.
    pub const ALL: [Self; 4] = [Self::Container, Self::What, Self::Rate, Self::Total];

    /// The next one to the right, or to the left; the other end follows the last.
    #[must_use]
    pub fn beside(self, is_right: bool) -> Self {
        let step = if is_right { 1 } else { Self::ALL.len() - 1 };
        let at = Self::ALL.iter().position(|column| *column == self).unwrap_or_default();
        Self::ALL[(at + step) % Self::ALL.len()]
    }

    /// Texts begin with the first, numbers with the highest.
    fn compare(self, a: &Row, b: &Row) -> Ordering {
        match self {
            Self::Container => a.owner.name().cmp(&b.owner.name()),
            Self::What => a.what.cmp(&b.what),
            Self::Rate => b.rate().total_cmp(&a.rate()),
            Self::Total => b.total.cmp(&a.total),
        }
    }
}

/// The order of rows. Those that are alike in their column are in that of the others, from the right to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub column: Column,
    /// Whether the last row comes first.
    pub is_reversed: bool,
}

impl Order {
    /// Sorts rows.
    pub fn sort(self, rows: &mut [Row]) {
        let ids = |a: &Row, b: &Row| a.owner.container_id.cmp(&b.owner.container_id);
        let rest = |a: &Row, b: &Row| {
            let others = Column::ALL.into_iter().rev().map(|column| column.compare(a, b));
            others.fold(Ordering::Equal, Ordering::then).then_with(|| ids(a, b))
        };
        rows.sort_by(|a, b| {
            let first = self.column.compare(a, b);
            if self.is_reversed { first.reverse() } else { first }.then_with(|| rest(a, b))
        });
    }
}

/// Whose rows are shown: those of any container, unless there are patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Patterns for names.
    pub names: Vec<Pattern>,
    /// Patterns for ids.
    pub ids: Vec<Pattern>,
}

impl Selection {
    /// Whether a row is shown.
    #[must_use]
    pub fn has(&self, row: &Row) -> bool {
        let Self { names, ids } = self;
        names.is_empty() && ids.is_empty()
            || names.iter().any(|pattern| pattern.matches(&row.owner.container))
            || ids.iter().any(|pattern| pattern.matches(&row.owner.container_id))
    }
}
