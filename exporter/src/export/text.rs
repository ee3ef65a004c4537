//! From OpenMetrics 1.0.0 to the Prometheus text format 0.0.4.

use std::fmt::Write;

/// Rewrites whole lines, as many at a time as come.
///
/// A counter's `HELP` and `TYPE` name its sample there (`…_total`), types that the format lacks become the nearest one, and
/// `UNIT`, `EOF` and exemplars are left out. Other lines are equal in both formats.
#[derive(Debug, Default)]
pub(super) struct Rewriter {
    /// A `HELP` line (name, text), held back until the `TYPE` line behind it tells the name.
    help: Option<(String, String)>,
}

impl Rewriter {
    /// Appends the rewritten lines to a text.
    pub(super) fn rewrite(&mut self, lines: &str, out: &mut String) {
        // Samples are copied in runs: they are nearly all lines.
        let (mut start, mut end) = (0, 0);
        for line in lines.split_inclusive('\n') {
            let begin = end;
            end += line.len();
            if line.starts_with('#') {
                out.push_str(&lines[start..begin]);
                start = end;
                self.comment(line.trim_end_matches('\n'), out);
            } else if let Some(kept) = before_exemplar(line) {
                out.push_str(&lines[start..begin]);
                out.push_str(kept);
                out.push('\n');
                start = end;
            }
        }
        out.push_str(&lines[start..]);
    }

    fn comment(&mut self, line: &str, out: &mut String) {
        let mut words = line.splitn(4, ' ').skip(1);
        match (words.next(), words.next(), words.next()) {
            (Some("HELP"), Some(name), help) => {
                self.help = Some((name.to_owned(), help.unwrap_or_default().to_owned()));
            }
            (Some("TYPE"), Some(name), Some(kind)) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    "stateset" => ("", "gauge"),
                    "unknown" => ("", "untyped"),
                    other => ("", other),
                };
                // Writing to a text cannot fail.
                if let Some((_, help)) = self.help.take().filter(|(named, _)| named == name) {
                    let _ = writeln!(out, "# HELP {name}{suffix} {help}");
                }
                let _ = writeln!(out, "# TYPE {name}{suffix} {kind}");
            }
            _ => {}
        }
    }
}

/// The sample without its exemplar, or nothing when it has none.
fn before_exemplar(line: &str) -> Option<&str> {
    line.rfind('#')?;
    // A `#` in a label value begins no exemplar, and neither do quotes in it end it.
    let (mut quoted, mut escaped) = (false, false);
    for (position, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'#' if !quoted => return Some(line[..position].trim_end()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_METRICS: &str = r##"# HELP a Counted.
# TYPE a counter
a_total{l="# {x=\"1\"} # "} 1
a_total 2 # {trace="} # {"} 0.5 1700000000.0
# HELP b_seconds Gauged.
# TYPE b_seconds gauge
# UNIT b_seconds seconds
b_seconds 1.5
# HELP c Informed.
# TYPE c info
c_info{v="1"} 1
# TYPE d unknown
d 1
# TYPE e histogram
e_bucket{le="+Inf"} 1 # {} 1
e_sum 1
e_count 1
# EOF
"##;

    const TEXT: &str = r##"# HELP a_total Counted.
# TYPE a_total counter
a_total{l="# {x=\"1\"} # "} 1
a_total 2
# HELP b_seconds Gauged.
# TYPE b_seconds gauge
b_seconds 1.5
# HELP c_info Informed.
# TYPE c_info gauge
c_info{v="1"} 1
# TYPE d untyped
d 1
# TYPE e histogram
e_bucket{le="+Inf"} 1
e_sum 1
e_count 1
"##;

    #[test]
    fn whole() {
        let mut out = String::new();
        Rewriter::default().rewrite(OPEN_METRICS, &mut out);
        assert_eq!(out, TEXT);
    }

    #[test]
    fn line_by_line() {
        let (mut rewriter, mut out) = (Rewriter::default(), String::new());
        for line in OPEN_METRICS.split_inclusive('\n') {
            rewriter.rewrite(line, &mut out);
        }
        assert_eq!(out, TEXT);
    }
}
