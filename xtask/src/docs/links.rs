//! Links within the repository lead somewhere, and the index leads to every page.

use std::path::{Component, Path, PathBuf};

use doubleslit_testbed::markdown::{self, Page};

/// The page that links all others of its directory.
const INDEX: &str = "docs/README.md";

pub(super) fn check(pages: &[Page]) -> Vec<String> {
    let known = markdown::pages();
    let mut complaints = Vec::new();
    if let Some(index) = pages.iter().find(|page| page.path == Path::new(INDEX)) {
        let is_linked =
            |page: &&Page| index.links.iter().any(|(_, target)| index.path.with_file_name(target) == page.path);
        let others = pages.iter().filter(|page| page.path.parent() == index.path.parent() && page.path != index.path);
        let missing = others.filter(|page| !is_linked(page));
        complaints.extend(missing.map(|page| format!("{}: {INDEX} has no link to it", page.path.display())));
    }
    for page in pages {
        for (line, target) in &page.links {
            if !target.contains("://") && !leads_somewhere(page, target, &known) {
                complaints.push(format!("{}:{line}: `{target}` leads nowhere", page.path.display()));
            }
        }
    }
    complaints
}

fn leads_somewhere(page: &Page, target: &str, known: &[Page]) -> bool {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let path = if path.is_empty() { page.path.clone() } else { normal(&page.path.with_file_name(path)) };
    let reached = [page].into_iter().chain(known).find(|other| other.path == path);
    match anchor {
        None => markdown::root().join(&path).exists(),
        Some(anchor) => reached.is_some_and(|page| page.anchors.contains(anchor)),
    }
}

/// The path without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, part| {
        match part {
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
        normal
    })
}
