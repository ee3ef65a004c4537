//! What commands print: aligned columns for people, JSON for programs.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

use super::Failure;
use crate::harmless::harmless;

/// Spaces between two columns.
const GAP: usize = 3;

/// A form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Prints a text. A reader that has enough of it is no failure.
pub(super) fn print(text: &str) -> Result<ExitCode, Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(anyhow::Error::new(error).context("cannot write to standard output")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// A value as JSON, with a line's end.
pub(super) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).context("cannot write JSON").map_err(Failure::Failed)?;
    Ok(text + "\n")
}

/// Aligned columns below their heads.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let lines: Vec<[String; N]> =
        [&head].into_iter().chain(rows).map(|row| row.each_ref().map(|cell| harmless(cell))).collect();
    let mut text = String::new();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    for line in &lines {
        let start = text.len();
        for (cell, width) in line.iter().zip(widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + GAP));
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows =
            [["1".to_owned(), "b–c".to_owned(), String::new()], ["1234".to_owned(), "d".to_owned(), "e".to_owned()]];
        assert_eq!(
            table(["ID", "NAME", "X"], &rows),
            "ID     NAME   X\n\
             1      b–c\n\
             1234   d      e\n"
        );
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(table(["A"], &[["x\u{1b}[2J\n".to_owned()]]), "A\nx\\u{1b}[2J\\n\n");
    }
}
