//! The page at `/`.

use std::fmt::Write;

const NAME: &str = env!("CARGO_PKG_NAME");
const DESCRIPTION: &str = env!("CARGO_PKG_DESCRIPTION");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The page with links: path and text.
pub(super) fn page(links: &[(&str, &str)]) -> String {
    let mut items = String::new();
    for (path, name) in links {
        // Writing to a text cannot fail.
        let _ = write!(items, "<li><a href=\"{}\">{}</a></li>\n    ", escaped(path), escaped(name));
    }
    let (name, description, version, items) = (escaped(NAME), escaped(DESCRIPTION), escaped(VERSION), items.trim_end());
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{name}</title>
  <style>body {{ font-family: sans-serif; margin: 0 }} header {{ background: #e6522c; color: #fff; padding: 1em }} main {{ padding: 1em }}</style>
</head>
<body>
  <header><h1>{name}</h1></header>
  <main>
  <p>{description}.</p>
  <p>Version {version}</p>
  <ul>
    {items}
  </ul>
  </main>
</body>
</html>
"#
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out() {
        assert_eq!(escaped(r#"<a href="x" title='y'>&"#), "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;");
    }

    #[test]
    fn names_version_and_links() {
        let page = page(&[("/m", "Metrics")]);
        for part in [NAME, VERSION, "what the kernel saw it do", "<a href=\"/m\">Metrics</a>"] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
}
