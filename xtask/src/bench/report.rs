//! The report: targets first, then the measurements behind them, as Markdown.

use std::fmt::Write as _;

/// What was found.
#[derive(Debug)]
pub(super) struct Report {
    machine: Vec<(&'static str, String)>,
    targets: Vec<Target>,
    sections: String,
}

/// A limit and what was measured.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// What has the limit.
    pub(super) what: String,
    /// The limit.
    pub(super) limit: f64,
    /// The median of what was measured.
    pub(super) measured: f64,
    /// Digits behind the point.
    pub(super) digits: usize,
    /// The unit, with a space before it if need be.
    pub(super) unit: &'static str,
    /// Why the measurement says nothing, if it does not.
    pub(super) unresolved: Option<&'static str>,
}

impl Report {
    /// An empty one.
    pub(super) fn new(machine: Vec<(&'static str, String)>) -> Self {
        Self { machine, targets: Vec::new(), sections: String::new() }
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &str, method: &str) {
        let _ = write!(self.sections, "\n## {title}\n\n{method}\n");
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        let _ = write!(self.sections, "\n{text}\n");
    }

    /// A table. Columns but the first are aligned to the right.
    pub(super) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        self.sections.push('\n');
        table(&mut self.sections, head, rows);
    }

    /// A limit.
    pub(super) fn target(&mut self, target: Target) {
        self.targets.push(target);
    }

    /// The whole text.
    pub(super) fn text(&self) -> String {
        let mut text = String::from(
            "# Benchmarks\n\nWritten by `cargo xtask bench`; every number is of one run on one machine. Where a number has \
             brackets, it is a median and they hold the quartiles.\n\n",
        );
        let machine: Vec<_> =
            self.machine.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect();
        table(&mut text, &["Machine", ""], &machine);
        text.push_str("\n## Targets\n\n");
        table(&mut text, &["", "at most", "measured", ""], &self.targets.iter().map(Target::row).collect::<Vec<_>>());
        text + &self.sections
    }
}

impl Target {
    fn row(&self) -> Vec<String> {
        let Self { what, limit, measured, digits, unit, unresolved } = self;
        let verdict = match unresolved {
            Some(reason) => (*reason).to_owned(),
            None if measured <= limit => "met".to_owned(),
            None => "**missed**".to_owned(),
        };
        vec![what.clone(), format!("{limit}{unit}"), format!("{measured:.digits$}{unit}"), verdict]
    }
}

fn table(text: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    text.push_str(&line(head));
    let rule: Vec<_> = (0..head.len()).map(|column| if column == 0 { "---" } else { "---:" }).collect();
    text.push_str(&line(&rule));
    for row in rows {
        text.push_str(&line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_text() {
        let mut report = Report::new(vec![("CPU", "x".to_owned())]);
        let target =
            Target { what: "a".to_owned(), limit: 1.02, measured: 1.0149, digits: 3, unit: "", unresolved: None };
        report.target(target.clone());
        report.target(Target { measured: 1.03, ..target.clone() });
        report.target(Target { unresolved: Some("below the noise"), ..target });
        report.section("B", "How.");
        report.table(&["c", "d"], &[vec!["e".to_owned(), "1".to_owned()]]);
        let text = report.text();
        let (_, tables) = text.split_once("quartiles.\n\n").expect("the introduction");
        assert_eq!(
            tables,
            "| Machine |  |\n| --- | ---: |\n| CPU | x |\n\n## Targets\n\n|  | at most | measured |  |\n\
             | --- | ---: | ---: | ---: |\n| a | 1.02 | 1.015 | met |\n| a | 1.02 | 1.030 | **missed** |\n\
             | a | 1.02 | 1.015 | below the noise |\n\n## B\n\nHow.\n\n| c | d |\n| --- | ---: |\n| e | 1 |\n"
        );
    }
}
