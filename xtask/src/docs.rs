//! Writing, or checking, the generated documents.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use clap::Args;
use doubleslit::reference;

/// The options of `cargo xtask docs`.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Options {
    /// Write nothing; fail when a document is not what would be written
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    for (name, wanted) in [("metrics.md", reference::metrics()), ("events.md", reference::events())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        if options.check {
            let found = fs::read_to_string(&path).unwrap_or_default();
            ensure!(found == wanted, "docs/{name} is stale; `cargo xtask docs` writes it");
        } else {
            fs::write(&path, wanted).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
    }
    Ok(())
}
