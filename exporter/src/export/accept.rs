//! Which text format an `Accept` header asks for.

/// A text format of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.0.
    OpenMetrics,
    /// The Prometheus text format 0.0.4.
    Text,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// The format for an `Accept` header: OpenMetrics where it is wanted more, else the text format, which is also the last
    /// resort for a header that asks for neither.
    #[must_use]
    pub fn negotiate(accept: &str) -> Self {
        let quality = |format| {
            // The most specific range decides, not the most generous one (RFC 9110, 12.5.1).
            accept.split(',').filter_map(|range| matching(range, format)).max_by_key(|(specificity, _)| *specificity)
        };
        let [open_metrics, text] =
            [Self::OpenMetrics, Self::Text].map(|format| quality(format).map_or(0, |(_, quality)| quality));
        if open_metrics > text { Self::OpenMetrics } else { Self::Text }
    }
}

/// How closely a media range names a format, and its quality in thousandths; nothing when it is about something else.
fn matching(range: &str, format: Format) -> Option<(u8, u16)> {
    let (own, own_wildcard, own_version) = match format {
        Format::OpenMetrics => ("application/openmetrics-text", "application/*", "1.0.0"),
        Format::Text => ("text/plain", "text/*", "0.0.4"),
    };
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let (mut quality, mut version) = (1000, None);
    for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => quality = thousandths(value)?,
            "version" => version = Some(value),
            // `escaping` and `charset` change nothing: all our names are plain, all our text is UTF-8.
            _ => {}
        }
    }
    let specificity = match (media.as_str(), version) {
        (media, Some(version)) if media == own && version == own_version => 3,
        (media, None) if media == own => 2,
        (media, None) if media == own_wildcard => 1,
        ("*/*", _) => 0,
        _ => return None,
    };
    Some((specificity, quality))
}

fn thousandths(quality: &str) -> Option<u16> {
    let number: f64 = quality.parse().ok().filter(|number| (0.0..=1.0).contains(number))?;
    Some((number * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::{Format::*, *};

    #[test]
    fn real_headers() {
        for (accept, expected) in [
            // Prometheus 3
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics,
            ),
            // Prometheus 2.42
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            // Prometheus 2.42 with scrape_protocols or without OpenMetrics
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Text),
            // Prometheus 2.5
            ("application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Text),
            // curl
            ("*/*", Text),
            // Firefox
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Text),
            // VictoriaMetrics
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Text),
        ] {
            assert_eq!(Format::negotiate(accept), expected, "{accept}");
        }
    }

    #[test]
    fn made_up_headers() {
        for (accept, expected) in [
            ("", Text),
            ("image/png", Text),
            ("application/openmetrics-text", OpenMetrics),
            ("APPLICATION/OpenMetrics-Text ; Version = \"1.0.0\" ; Q=0.9", OpenMetrics),
            ("application/openmetrics-text;version=2.0.0", Text),
            ("application/openmetrics-text;q=0", Text),
            ("application/openmetrics-text;q=0,*/*;q=1", Text),
            ("application/openmetrics-text;q=0.5,text/plain;q=0.5", Text),
            ("application/openmetrics-text;q=0.501,text/plain;q=0.5", OpenMetrics),
            ("application/openmetrics-text;q=0.2,text/*;q=0.1", OpenMetrics),
            ("application/*", OpenMetrics),
            ("application/openmetrics-text;q=2", Text),
            ("application/openmetrics-text;q=nan", Text),
            (";;;,,,=;q", Text),
        ] {
            assert_eq!(Format::negotiate(accept), expected, "{accept}");
        }
    }
}
