//! Metrics, settings and variables that pages name are there.

use std::collections::BTreeSet;

use doubleslit::{
    config::{Setting, settings},
    reference,
};
use doubleslit_testbed::markdown::Page;

/// What the samples of a metric have behind its name.
const SUFFIXES: [&str; 5] = ["", "_bucket", "_sum", "_count", "_created"];

/// What the name of a counter lacks in OpenMetrics and in OTLP.
const COUNTER: &str = "_total";

pub(super) fn check(pages: &[Page]) -> Vec<String> {
    let settings = settings();
    let metrics = reference::metrics();
    let metrics: BTreeSet<_> = metrics.split('`').skip(1).step_by(2).collect();
    let sections: BTreeSet<_> = settings.iter().filter_map(|setting| setting.path.split('.').next()).collect();
    let is_known = |name: &str| metrics.contains(name) || metrics.contains(&*format!("{name}{COUNTER}"));
    let is_metric = |name: &str| SUFFIXES.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(is_known));
    let is_setting = |path: &str| settings.iter().any(|setting: &Setting| setting.path == path);
    let is_variable = |name: &str| settings.iter().any(|setting| setting.variable.as_deref() == Some(name));

    let mut complaints = Vec::new();
    for page in pages {
        let blocks = page.blocks.iter().map(|block| (block.line, &block.text));
        for (line, text) in page.prose.iter().map(|(line, text)| (*line, text)).chain(blocks) {
            let mut complain =
                |what: &str, name: &str| complaints.push(format!("{}:{line}: no {what} `{name}`", page.path.display()));
            for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || "_*".contains(c))) {
                // A name with a pattern's sign, or one that goes on, is none.
                let is_name = !word.ends_with(['_', '*']);
                if is_name && word.starts_with("doubleslit_") && !is_metric(word) {
                    complain("metric", word);
                }
                if is_name && word.starts_with("DOUBLESLIT_") && !is_variable(word) {
                    complain("variable", word);
                }
            }
        }
        for (line, text) in &page.prose {
            for path in text.split('`').skip(1).step_by(2).filter(|word| is_path(word, &sections)) {
                if !is_setting(path) {
                    complaints.push(format!("{}:{line}: no setting `{path}`", page.path.display()));
                }
            }
        }
    }
    complaints
}

/// Whether this is written like a setting with its section: not a file, and nothing else that has a dot.
fn is_path(word: &str, sections: &BTreeSet<&str>) -> bool {
    let is_file = [".md", ".rs", ".json", ".yaml", ".yml"].iter().any(|end| word.ends_with(end));
    let is_plain = word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.');
    is_plain && !is_file && word.split_once('.').is_some_and(|(section, _)| sections.contains(section))
}
