//! The forms of a stream.

use axum::http::{HeaderMap, StatusCode, header};

use super::problem::Problem;
use crate::{
    events::{event::Event, render},
    media::Media,
};

/// A form of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line.
    Lines,
    /// Server-sent events.
    ServerSent,
    /// Lines for people, as `doubleslit watch` prints them.
    Text {
        /// Whether a terminal shall colour them.
        is_colored: bool,
    },
}

/// All of them, in the order in which they are preferred, and what they are called.
const MEDIA: [(&str, Form); 3] = [
    ("application/x-ndjson", Form::Lines),
    ("text/event-stream", Form::ServerSent),
    ("text/plain", Form::Text { is_colored: false }),
];

impl Form {
    /// The form that a request asks for.
    pub(super) fn negotiate(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Problem> {
        let all = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect::<Vec<_>>()
            .join(",");
        // No header is as good as one that takes everything.
        let accept = if all.is_empty() { "*/*" } else { &all };
        let mut best = None;
        for (name, form) in MEDIA {
            let quality = Media { name, version: None }.quality(accept).unwrap_or_default();
            if quality > best.map_or(0, |(quality, _)| quality) {
                best = Some((quality, form));
            }
        }
        match best {
            Some((_, Self::Text { .. })) => {
                let is_colored = query.is_some_and(|query| query.split('&').any(|pair| pair == "color=true"));
                Ok(Self::Text { is_colored })
            }
            Some((_, form)) => Ok(form),
            None => {
                let names = MEDIA.map(|(name, _)| format!("`{name}`")).join(", ");
                Err(Problem::new(
                    StatusCode::NOT_ACCEPTABLE,
                    format!("no stream is of `{accept}`: expected one of {names}"),
                ))
            }
        }
    }

    /// Its media type.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::ServerSent => "text/event-stream",
            Self::Text { .. } => "text/plain; charset=utf-8",
        }
    }

    /// Appends an event.
    pub(super) fn write(self, event: &Event, text: &mut String) {
        match self {
            Self::Lines => render::Form::Json.write(event, text),
            Self::ServerSent => {
                server_sent(event.kind().name(), |text| render::Form::Json.write(event, text), text);
            }
            Self::Text { is_colored } => render::Form::Text { is_colored }.write(event, text),
        }
    }

    /// Appends how many events are missing there.
    pub(super) fn write_missed(self, missed: u64, text: &mut String) {
        let record = format!("{{\"missed\":{missed}}}\n");
        match self {
            Self::Lines => text.push_str(&record),
            Self::ServerSent => server_sent("missed", |text| text.push_str(&record), text),
            Self::Text { .. } => text.push_str(&format!("missed {missed} events, because they were read too slowly\n")),
        }
    }

    /// What says that the stream is still there while nothing happens; nothing where the form has no place for it.
    pub(super) fn keep_alive(self) -> Option<&'static str> {
        (self == Self::ServerSent).then_some(":\n\n")
    }
}

/// Appends a server-sent event whose data are one line.
fn server_sent(name: &str, line: impl FnOnce(&mut String), text: &mut String) {
    text.push_str("event: ");
    text.push_str(name);
    text.push_str("\ndata: ");
    line(text);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::fake;

    #[test]
    fn what_is_accepted_decides() {
        let (lines, server_sent, text) =
            (Some(Form::Lines), Some(Form::ServerSent), Some(Form::Text { is_colored: false }));
        for (accept, query, expected) in [
            ("", None, lines),
            ("*/*", None, lines),
            ("application/x-ndjson", None, lines),
            ("application/*", None, lines),
            ("text/event-stream", None, server_sent),
            // Browsers
            ("text/event-stream, */*;q=0.1", None, server_sent),
            ("text/*", None, server_sent),
            ("text/plain", None, text),
            ("text/plain", Some("x=1&color=true"), Some(Form::Text { is_colored: true })),
            ("text/plain", Some("color=false"), text),
            ("application/x-ndjson", Some("color=true"), lines),
            ("text/plain;q=0.5,text/event-stream;q=0.4", None, text),
            ("text/event-stream;q=0,*/*", None, lines),
            ("application/x-ndjson;q=0", None, None),
            ("application/json", None, None),
            ("image/*", None, None),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(header::ACCEPT, accept.parse().expect("a header's value"));
            }
            assert_eq!(Form::negotiate(&headers, query).ok(), expected, "{accept} {query:?}");
        }
    }

    #[test]
    fn records() {
        let written = |form: Form| {
            let mut text = String::new();
            form.write(&fake::exec(), &mut text);
            form.write_missed(7, &mut text);
            text
        };
        let line = |form: render::Form| {
            let mut line = String::new();
            form.write(&fake::exec(), &mut line);
            line
        };
        let json = line(render::Form::Json);
        assert_eq!(written(Form::Lines), format!("{json}{{\"missed\":7}}\n"));
        assert_eq!(
            written(Form::ServerSent),
            format!("event: exec\ndata: {json}\nevent: missed\ndata: {{\"missed\":7}}\n\n")
        );
        for is_colored in [false, true] {
            let people = line(render::Form::Text { is_colored });
            let missed = "missed 7 events, because they were read too slowly\n";
            assert_eq!(written(Form::Text { is_colored }), people + missed);
        }
    }
}
