//! Writing, or checking, the generated documents; checking the pages that people write.

mod blocks;
mod commands;
mod links;
mod names;

use std::{fs, path::PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use doubleslit::reference;
use doubleslit_testbed::markdown::{self, Page};

/// The options of `cargo xtask docs`.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Options {
    /// Write nothing; fail when a document is not what would be written, or has something that does not exist
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    for (name, wanted) in generated() {
        let path = markdown::root().join(name);
        if options.check {
            let found = fs::read_to_string(&path).unwrap_or_default();
            ensure!(found == wanted, "{name} is stale; `cargo xtask docs` writes it");
        } else {
            fs::write(&path, wanted).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
    }
    if options.check {
        let complaints = complaints(&markdown::pages());
        ensure!(complaints.is_empty(), "what the pages say does not hold:\n{}", complaints.join("\n"));
    }
    Ok(())
}

/// The documents that are printed, by their paths.
fn generated() -> [(&'static str, String); 4] {
    [
        ("docs/metrics.md", reference::metrics()),
        ("docs/events.md", reference::events()),
        ("docs/configuration.md", reference::configuration()),
        ("config/doubleslit.schema.json", reference::schema()),
    ]
}

/// What is wrong with the pages, each with its place and what to do.
fn complaints(pages: &[Page]) -> Vec<String> {
    [blocks::check(pages), links::check(pages), names::check(pages)].concat()
}

/// Every file below a directory of the repository whose name ends like this.
fn files(directory: &str, end: &str) -> Vec<PathBuf> {
    let mut open = vec![markdown::root().join(directory)];
    let mut found = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A page with this text, as if it stood in `docs`.
    fn page(text: &str) -> Vec<Page> {
        vec![Page::parse(Path::new("docs/page.md"), text)]
    }

    #[test]
    fn what_the_pages_say_holds() {
        let complaints = complaints(&markdown::pages());
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }

    #[test]
    fn what_does_not_hold_is_told() {
        for (text, expected) in [
            ("```\nls\n```", "docs/page.md:1 (```): say what it is"),
            ("```cobol\n```", "say what it is"),
            ("```sh\nif true\n```", "bash"),
            ("```sh\nsudo doubleslit watch --evnt exec\n```", "unexpected argument '--evnt'"),
            ("```console\nls\n```", "`$ `"),
            ("```yaml\npoll: {intervall: 1s}\n```", "unknown key `poll.intervall`"),
            ("```yaml prometheus\na: [\n```", "no YAML"),
            ("```json\n{}\n```", "say what it is"),
            ("```log\ncannot read `…` at midnight\n```", "`at midnight` is nowhere in exporter/src"),
            ("```rust,no_run\n```", "exporter/src/lib.rs"),
            ("[a](nowhere.md)", "docs/page.md:1: `nowhere.md` leads nowhere"),
            ("[a](filters.md#nowhere)", "`filters.md#nowhere` leads nowhere"),
            ("`doubleslit_execs_total`", "docs/page.md:1: no metric `doubleslit_execs_total`"),
            ("`poll.intervall`", "no setting `poll.intervall`"),
            ("`DOUBLESLIT_POLL`", "no variable `DOUBLESLIT_POLL`"),
        ] {
            let found = complaints(&page(text));
            assert!(found.len() == 1 && found[0].contains(expected), "{text}: {found:?}");
        }
        let fine = "# A\n[a](#a) [b](filters.md#rules) <https://x.y>\n`poll.interval` `doubleslit_process_execs_total`\n\
                    ```yaml\npoll: {interval: 2s}\n```\n```log\ncannot read `…`\n```\n";
        let found = complaints(&page(fine));
        assert!(found.is_empty(), "{found:?}");
    }
}
