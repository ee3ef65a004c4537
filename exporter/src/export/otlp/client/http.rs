//! OTLP over HTTP/1.1, in protobuf.

use std::{
    error::Error,
    io::Write as _,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    HeaderMap, Request, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, HOST, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use tokio::task::JoinSet;

use super::{TlsError, dial::Dialer, taken};
use crate::{
    config::otlp::{Connection, Endpoint},
    export::otlp::{messages::Response as Acknowledgement, retry::Answer},
};

/// The size up to which an answer is read, in bytes.
const ANSWER_BYTES: usize = 64 << 10;

const PROTOBUF: &str = "application/x-protobuf";

/// The way to a collector.
#[derive(Debug)]
pub(super) struct Client {
    dialer: Dialer,
    endpoint: Endpoint,
    headers: HeaderMap,
    gzip: bool,
    open: Option<Open>,
}

/// A connection. It ends when this is dropped.
#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    _connection: JoinSet<()>,
}

type Failure = Box<dyn Error + Send + Sync>;

impl Client {
    pub(super) fn new(connection: &Connection) -> Result<Self, TlsError> {
        let Connection { endpoint, headers, gzip, .. } = connection;
        let headers = headers.iter().cloned().collect();
        Ok(Self { dialer: Dialer::new(connection)?, endpoint: endpoint.clone(), headers, gzip: *gzip, open: None })
    }

    pub(super) fn disconnect(&mut self) {
        self.open = None;
    }

    pub(super) async fn send(&mut self, body: Bytes) -> Answer {
        match self.exchange(body).await {
            Ok((status, pause, body)) => understood(status, pause, &body),
            Err(error) => {
                self.disconnect();
                Answer::later(self.dialer.explain(error.as_ref()))
            }
        }
    }

    async fn exchange(&mut self, body: Bytes) -> Result<(StatusCode, Option<Duration>, Bytes), Failure> {
        let mut request = Request::post(&self.endpoint.path)
            .header(HOST, self.endpoint.authority.as_str())
            .header(CONTENT_TYPE, PROTOBUF);
        let body = if self.gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&body)?;
            encoder.finish()?.into()
        } else {
            body
        };
        let mut request = request.body(Full::new(body))?;
        request.headers_mut().extend(self.headers.clone());
        let response = self.connection().await?.send_request(request).await?;
        let status = response.status();
        let pause = asked_pause(response.headers(), SystemTime::now());
        let body = limited(response.into_body()).await?;
        Ok((status, pause, body))
    }

    /// The connection that is open, or a new one.
    async fn connection(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Failure> {
        let is_open = match &mut self.open {
            Some(open) => open.sender.ready().await.is_ok(),
            None => false,
        };
        let open = match self.open.take().filter(|_| is_open) {
            Some(open) => open,
            None => {
                let stream = TokioIo::new(self.dialer.dial().await?);
                let (sender, connection) = http1::handshake(stream).await?;
                let mut task = JoinSet::new();
                task.spawn(async {
                    // Whoever waits for an answer sees the same error.
                    let _ = connection.await;
                });
                Open { sender, _connection: task }
            }
        };
        Ok(&mut self.open.insert(open).sender)
    }
}

async fn limited(body: Incoming) -> Result<Bytes, Failure> {
    Ok(Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes())
}

/// The pause that a collector asks for: seconds, or until a time of its own clock, which it may tell.
fn asked_pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let now = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(now).unwrap_or_default())
}

/// What an answer means.
fn understood(status: StatusCode, pause: Option<Duration>, body: &[u8]) -> Answer {
    if status.is_success() {
        // A collector that acknowledges with something else has acknowledged.
        return taken(Acknowledgement::decode(body).unwrap_or_default());
    }
    let reason = format!("the collector answers {status}");
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Answer::Later { pause, reason },
        _ => Answer::Refused { reason },
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;
    use crate::export::otlp::messages::PartialSuccess;

    #[test]
    fn only_some_answers_ask_for_another_attempt() {
        for (status, is_later) in [
            (400, false),
            (401, false),
            (404, false),
            (413, false),
            (429, true),
            (500, false),
            (502, true),
            (503, true),
            (504, true),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let reason = format!("the collector answers {status}");
            let pause = Some(Duration::from_secs(3));
            let expected = if is_later { Answer::Later { pause, reason } } else { Answer::Refused { reason } };
            assert_eq!(understood(status, pause, b""), expected);
        }
    }

    #[test]
    fn a_pause_is_seconds_or_until_a_time() {
        let now = httpdate::parse_http_date("Fri, 31 Dec 1999 23:59:59 GMT").expect("a date");
        for (asked, date, pause) in [
            ("120", "", Some(120)),
            (" 0 ", "", Some(0)),
            ("Sat, 01 Jan 2000 00:00:09 GMT", "", Some(10)),
            ("Saturday, 01-Jan-00 00:00:09 GMT", "", Some(10)),
            ("Sat Jan  1 00:00:09 2000", "", Some(10)),
            // The collector's clock is an hour ahead.
            ("Sat, 01 Jan 2000 01:00:09 GMT", "Sat, 01 Jan 2000 00:59:59 GMT", Some(10)),
            ("Sat, 01 Jan 2000 00:00:09 GMT", "yesterday", Some(10)),
            ("Fri, 31 Dec 1999 23:00:00 GMT", "", Some(0)),
            ("Sat, 01 Jan 2400 00:00:00 GMT", "", Some(12_622_780_801)),
            ("-1", "", None),
            ("soon", "", None),
            ("", "", None),
        ] {
            let value = |text| HeaderValue::from_static(text);
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value(asked)), (DATE, value(date))]);
            assert_eq!(asked_pause(&headers, now), pause.map(Duration::from_secs), "{asked} at {date}");
        }
        assert_eq!(asked_pause(&HeaderMap::new(), now), None);
    }

    #[test]
    fn an_acknowledgement_may_be_partial() {
        let partial_success = Some(PartialSuccess { rejected: 3, message: "too old".to_owned() });
        let body = Acknowledgement { partial_success }.encode_to_vec();
        let taken = |rejected, message: &str| Answer::Taken { rejected, message: message.to_owned() };
        assert_eq!(understood(StatusCode::OK, None, &body), taken(3, "too old"));
        for body in [&b""[..], b"{}"] {
            assert_eq!(understood(StatusCode::OK, None, body), taken(0, ""));
        }
    }
}
