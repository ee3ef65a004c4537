//! The lines of the table.

use super::{
    View,
    board::{HISTORY, Row},
    order::Column,
    panel::Panel,
};
use crate::{harmless::harmless, identity::short_id};

/// Spaces between two columns.
const GAP: usize = 2;
/// So narrow a container's name can get.
const NAME_MIN: usize = 8;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Parameters of "select graphic rendition" (ECMA-48, 8.3.117).
const BOLD: &str = "1";
const DIM: &str = "2";
const REVERSE: &str = "7";
const GREEN: &str = "32";

/// A column of the table.
struct Field {
    title: &'static str,
    value: fn(&Row) -> String,
    /// Numbers are to the right, in so many characters at least that they do not jump.
    digits: Option<usize>,
    sorts: Option<Column>,
    /// The column with the highest rank is left out first where the terminal is narrow, one with rank 0 never.
    rank: u8,
}

const CONTAINER: Field = Field {
    title: "CONTAINER",
    value: |row| harmless(&row.owner.name()),
    digits: None,
    sorts: Some(Column::Container),
    rank: 0,
};
const ID: Field =
    Field { title: "ID", value: |row| harmless(short_id(&row.owner.container_id)), digits: None, sorts: None, rank: 4 };
const EVENT: Field =
    Field { title: "EVENT", value: |row| row.what.name.to_owned(), digits: None, sorts: Some(Column::What), rank: 0 };
const CALL: Field = Field { title: "SYSCALL", ..EVENT };
const ERRNO: Field =
    Field { title: "ERRNO", value: |row| row.what.errno.to_owned(), digits: None, sorts: None, rank: 0 };
const RATE: Field = Field {
    title: "RATE/S",
    value: |row| format!("{:.1}", row.rate()),
    digits: Some(9),
    sorts: Some(Column::Rate),
    rank: 0,
};
const COUNT: Field =
    Field { title: "COUNT", value: |row| row.count.to_string(), digits: Some(8), sorts: None, rank: 3 };
const TOTAL: Field =
    Field { title: "TOTAL", value: |row| row.total.to_string(), digits: Some(9), sorts: Some(Column::Total), rank: 2 };
const RATES: Field = Field { title: "HISTORY", value: |row| sparkline(&row.rates), digits: None, sorts: None, rank: 1 };

static EVENTS: [Field; 7] = [CONTAINER, ID, EVENT, RATE, COUNT, TOTAL, RATES];
static CALLS: [Field; 8] = [CONTAINER, ID, CALL, ERRNO, RATE, COUNT, TOTAL, RATES];

/// The lines that fill a terminal of this size.
pub(super) fn lines(panel: &Panel, width: usize, height: usize) -> Vec<String> {
    let all = panel.rows();
    let room = height.saturating_sub(3);
    let shown = &all[..all.len().min(panel.options.rows.unwrap_or(room)).min(room)];
    let (titles, rows) = table(panel, shown, width);

    let mut lines = vec![(head(panel, &all), BOLD), (titles, REVERSE)];
    lines.extend(rows.into_iter().zip(shown).map(|(line, row)| (line, if row.count > 0 { GREEN } else { DIM })));
    lines.resize(height.saturating_sub(1), (String::new(), DIM));
    lines.push((foot(panel), DIM));
    lines.truncate(height);
    let paint = |(line, style): (String, &str)| {
        let line = cut(&line, width);
        if panel.options.is_colored { format!("\x1b[{style}m{line}\x1b[0m") } else { line }
    };
    lines.into_iter().map(paint).collect()
}

fn head(panel: &Panel, rows: &[Row]) -> String {
    // Not a sum, which is -0 of nothing.
    let rate = rows.iter().map(Row::rate).fold(0.0, |sum, rate| sum + rate);
    let interval = humantime::format_duration(panel.options.interval);
    let mut head = format!("doubleslit top: {}  {rate:.1}/s  every {interval}", panel.options.view.name());
    if !panel.filter.is_empty() && !panel.is_typing {
        head += &format!("  with `{}`", harmless(&panel.filter));
    }
    if panel.is_paused {
        head += "  paused";
    }
    head
}

fn foot(panel: &Panel) -> String {
    if panel.is_typing {
        return format!("filter: {}_  (Enter: keep, Esc: none)", harmless(&panel.filter));
    }
    let other = panel.options.view.other().name();
    format!("q quit  ←→ sort  r reverse  / filter  p pause  s {other}  +- interval")
}

/// The line of titles, and a line for each row.
fn table(panel: &Panel, rows: &[Row], width: usize) -> (String, Vec<String>) {
    let fields: &[Field] = match panel.options.view {
        View::Events => &EVENTS,
        View::Calls => &CALLS,
    };
    let order = panel.options.order;
    let title = |field: &Field| {
        let mark = match field.sorts == Some(order.column) {
            true if order.is_reversed => "▲",
            true => "▼",
            false => "",
        };
        format!("{}{mark}", field.title)
    };
    let mut columns: Vec<(&Field, Vec<String>, usize)> = fields
        .iter()
        .map(|field| {
            let cells: Vec<_> = [title(field)].into_iter().chain(rows.iter().map(field.value)).collect();
            let widest = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or_default();
            (field, cells, widest.max(field.digits.unwrap_or_default()))
        })
        .collect();
    let needed = |columns: &[(&Field, Vec<String>, usize)]| {
        columns.iter().map(|(_, _, width)| width + GAP).sum::<usize>().saturating_sub(GAP)
    };
    while needed(&columns) > width
        && let Some(rank) = columns.iter().map(|(field, _, _)| field.rank).max().filter(|rank| *rank > 0)
    {
        columns.retain(|(field, _, _)| field.rank != rank);
    }
    let excess = needed(&columns).saturating_sub(width);
    if let Some((_, _, width)) = columns.first_mut() {
        *width = width.saturating_sub(excess).max(NAME_MIN.min(*width));
    }
    let line = |at: usize| {
        let mut line = String::new();
        for (field, cells, width) in &columns {
            let cell = cut(&cells[at], *width);
            let width = *width;
            line += &if field.digits.is_some() { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            line += &" ".repeat(GAP);
        }
        line.truncate(line.trim_end().len());
        line
    };
    (line(0), (1..=rows.len()).map(line).collect())
}

/// A text in no more than so many characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain((width > 0).then_some('…')).collect()
}

/// Rates as bars, of which the highest is full and none stands for nothing. The latest is at the right end.
fn sparkline(rates: &[f64]) -> String {
    let highest = rates.iter().copied().fold(0.0, f64::max);
    let bar = |rate: &f64| {
        if *rate <= 0.0 {
            return ' ';
        }
        let level = (rate / highest * BARS.len() as f64).ceil() as usize;
        BARS[level.clamp(1, BARS.len()) - 1]
    };
    let bars: String = rates.iter().map(bar).collect();
    format!("{bars:>HISTORY$}")
}
