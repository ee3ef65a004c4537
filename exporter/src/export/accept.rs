//! Which text format an `Accept` header asks for.

use crate::media::Media;

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
        let [open_metrics, text] =
            [Self::OpenMetrics, Self::Text].map(|format| format.media().quality(accept).unwrap_or_default());
        if open_metrics > text { Self::OpenMetrics } else { Self::Text }
    }

    const fn media(self) -> Media {
        match self {
            Self::OpenMetrics => Media { name: "application/openmetrics-text", version: Some("1.0.0") },
            Self::Text => Media { name: "text/plain", version: Some("0.0.4") },
        }
    }
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
