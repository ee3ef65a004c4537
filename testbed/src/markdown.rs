//! The project's pages of Markdown: their blocks of code, their links, and where these can lead.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its path from the repository's root on.
    pub path: PathBuf,
    /// Its fenced blocks.
    pub blocks: Vec<Block>,
    /// What its links lead to, each with its line.
    pub links: Vec<(usize, String)>,
    /// The anchors of its headings.
    pub anchors: BTreeSet<String>,
    /// Its text without blocks, line by line.
    pub prose: BTreeMap<usize, String>,
}

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its page.
    pub page: PathBuf,
    /// The line of its fence.
    pub line: usize,
    /// What stands behind the fence: `sh`, `yaml`, `yaml prometheus`.
    pub kind: String,
    /// Its lines.
    pub text: String,
}

impl std::fmt::Display for Block {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{} (```{})", self.page.display(), self.line, self.kind)
    }
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the repository").to_owned()
}

/// Every page for users: those at the root and those in `docs`.
#[must_use]
pub fn pages() -> Vec<Page> {
    let root = root();
    let mut paths = Vec::new();
    for directory in ["", "docs"] {
        let entries = fs::read_dir(root.join(directory)).expect("the repository is there");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let pages = names.map(|name| Path::new(directory).join(name));
        paths.extend(pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    paths.sort();
    let read = |path: PathBuf| Page::parse(&path, &fs::read_to_string(root.join(&path)).expect("a page is text"));
    paths.into_iter().map(read).collect()
}

impl Page {
    /// Reads a page. Panics where a block has no end.
    #[must_use]
    pub fn parse(path: &Path, text: &str) -> Self {
        let mut page = Self {
            path: path.to_owned(),
            blocks: Vec::new(),
            links: Vec::new(),
            anchors: BTreeSet::new(),
            prose: BTreeMap::new(),
        };
        let mut open: Option<(usize, Block)> = None;
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
            let fence = line.trim_start().strip_prefix("```");
            match (open.take(), fence) {
                (Some((_, block)), Some("")) => page.blocks.push(block),
                (Some((indent, mut block)), _) => {
                    block.text += line.get(indent..).unwrap_or_default();
                    block.text.push('\n');
                    open = Some((indent, block));
                }
                (None, Some(kind)) => {
                    let kind = kind.trim().to_owned();
                    let block = Block { page: path.to_owned(), line: number, kind, text: String::new() };
                    open = Some((line.len() - line.trim_start().len(), block));
                }
                (None, None) => page.words(number, line),
            }
        }
        assert!(open.is_none(), "a block of {} has no end", path.display());
        page
    }

    fn words(&mut self, number: usize, line: &str) {
        if let Some(heading) = line.strip_prefix('#') {
            let mut anchor = anchor(heading.trim_start_matches('#').trim());
            // A heading that was there before gets a number.
            let base = anchor.clone();
            for count in 1.. {
                if self.anchors.insert(anchor) {
                    break;
                }
                anchor = format!("{base}-{count}");
            }
        }
        // What is in backticks is no link.
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        let targets = plain.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        self.links.extend(targets.map(|(target, _)| (number, target.to_owned())));
        self.prose.insert(number, line.to_owned());
    }
}

/// The anchor that GitHub gives to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_links_and_anchors() {
        let text = "# One `two`, three\n[a](b.md#c) and `[no](link)`\n* item\n  ```sh\n  one\n    two\n  ```\n# One two three\n";
        let page = Page::parse(Path::new("docs/x.md"), text);
        let block = &page.blocks[0];
        assert_eq!((block.to_string().as_str(), block.text.as_str()), ("docs/x.md:4 (```sh)", "one\n  two\n"));
        assert_eq!(page.links, [(2, "b.md#c".to_owned())]);
        assert_eq!(page.anchors, ["one-two-three", "one-two-three-1"].map(str::to_owned).into());
        assert_eq!(page.prose.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 8]);
    }
}
