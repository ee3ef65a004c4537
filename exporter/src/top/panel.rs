//! The table on a terminal: what keys change of it.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    Options, View,
    board::{Board, Row},
    picture,
};
use crate::counts::snapshot::Snapshot;

/// The shortest interval that keys can choose, and the longest unless it began with a longer one.
const INTERVALS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(64)];

/// What is to be done after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing more.
    Stay,
    /// Count the other thing from now on.
    Switch,
    /// End.
    Quit,
}

/// What is on the terminal.
#[derive(Debug)]
pub struct Panel {
    pub(super) options: Options,
    board: Board,
    /// All rows, as they are shown.
    rows: Vec<Row>,
    /// Rows with this text in them are shown.
    pub(super) filter: String,
    /// Whether keys are that text.
    pub(super) is_typing: bool,
    pub(super) is_paused: bool,
    interval_max: Duration,
}

impl Panel {
    /// Begins with this snapshot.
    #[must_use]
    pub fn new(options: Options, snapshot: &Snapshot) -> Self {
        let interval_max = Self::interval_max(options.interval);
        let board = Board::new(options.view, snapshot);
        let (filter, rows) = (String::new(), Vec::new());
        Self { options, board, rows, filter, is_typing: false, is_paused: false, interval_max }
    }

    /// The longest interval that there can be after this one.
    #[must_use]
    pub fn interval_max(interval: Duration) -> Duration {
        interval.max(INTERVALS[1])
    }

    /// What is counted.
    #[must_use]
    pub fn view(&self) -> View {
        self.options.view
    }

    /// How long rates are measured.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.options.interval
    }

    /// Shows the other thing, from this snapshot on.
    pub fn switch(&mut self, snapshot: &Snapshot) {
        self.options.view = self.options.view.other();
        self.board = Board::new(self.options.view, snapshot);
        self.rows.clear();
        self.is_paused = false;
    }

    /// Takes in the next snapshot, so many seconds after the one before.
    pub fn add(&mut self, snapshot: &Snapshot, seconds: f64) {
        self.board.add(snapshot, seconds);
        if !self.is_paused {
            self.rows = self.board.rows();
        }
    }

    /// Does what a key asks for.
    pub fn press(&mut self, key: KeyEvent) -> Wish {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Wish::Quit;
        }
        if self.is_typing {
            self.type_filter(key.code);
            return Wish::Stay;
        }
        let order = &mut self.options.order;
        match key.code {
            KeyCode::Char('q') => return Wish::Quit,
            KeyCode::Char('s') | KeyCode::Tab => return Wish::Switch,
            KeyCode::Left => order.column = order.column.beside(false),
            KeyCode::Right => order.column = order.column.beside(true),
            KeyCode::Char('r') => order.is_reversed = !order.is_reversed,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('p' | ' ') => {
                self.is_paused = !self.is_paused;
                if !self.is_paused {
                    self.rows = self.board.rows();
                }
            }
            KeyCode::Char('+') => self.options.interval = (self.options.interval * 2).min(self.interval_max),
            KeyCode::Char('-') => {
                let shortest = INTERVALS[0].min(self.options.interval);
                self.options.interval = (self.options.interval / 2).max(shortest);
            }
            _ => {}
        }
        Wish::Stay
    }

    fn type_filter(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(character) => self.filter.push(character),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.filter.clear();
                self.is_typing = false;
            }
            _ => {}
        }
    }

    /// The rows that are shown, in their order.
    pub(super) fn rows(&self) -> Vec<Row> {
        let Options { order, selection, .. } = &self.options;
        let has_text = |row: &&Row| {
            let texts = [&row.owner.name(), &row.owner.container_id, row.what.name, row.what.errno];
            texts.iter().any(|text| text.contains(&self.filter))
        };
        let mut rows: Vec<_> = self.rows.iter().filter(|row| selection.has(row)).filter(has_text).cloned().collect();
        order.sort(&mut rows);
        rows
    }

    /// The lines that fill a terminal of this size.
    #[must_use]
    pub fn lines(&self, width: usize, height: usize) -> Vec<String> {
        picture::lines(self, width, height)
    }
}
