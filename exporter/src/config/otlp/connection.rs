//! How a collector is spoken to.

use std::{path::PathBuf, time::Duration};

use http::{HeaderName, HeaderValue, Uri, uri::Authority};

use super::{
    Connection, Endpoint, Protocol, Signal, Tls,
    standard::{Origin, Setting},
    understood::pair,
};
use crate::config::{
    error::{Error, quoted},
    written,
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The connection for a signal; nothing when no endpoint is set.
pub(super) fn connection(written: &written::Otlp, signal: Signal) -> Result<Option<Connection>, Error> {
    let written::Otlp {
        endpoint,
        protocol,
        headers,
        timeout,
        compression,
        insecure,
        certificate,
        client_certificate,
        client_key,
        standard,
        ..
    } = written;
    let setting = |key, ours, name| standard.of_connection(signal, key, ours, name);
    let Some(endpoint) = setting("otlp.endpoint", endpoint, "ENDPOINT") else { return Ok(None) };
    let protocol =
        setting("otlp.protocol", protocol, "PROTOCOL").map_or(Ok(Protocol::Http), |it| self::protocol(&it))?;
    let insecure = setting("otlp.insecure", insecure, "INSECURE").map_or(Ok(false), |it| it.switch())?;
    let timeout = setting("otlp.timeout", timeout, "TIMEOUT").map_or(Ok(TIMEOUT), |it| {
        it.duration().and_then(|time| if time.is_zero() { Err(it.refused("more than no time")) } else { Ok(time) })
    })?;
    let file = |key, ours, name| setting(key, ours, name).map(|it| PathBuf::from(it.text));
    let client = file("otlp.client_certificate", client_certificate, "CLIENT_CERTIFICATE");
    let key = setting("otlp.client_key", client_key, "CLIENT_KEY");
    let client = match (client, key) {
        (Some(certificate), Some(key)) => Some((certificate, PathBuf::from(key.text))),
        (None, None) => None,
        (Some(certificate), None) => {
            let certificate = certificate.display();
            return Err(Error::value("otlp.client_certificate", certificate, "`otlp.client_key` beside it"));
        }
        (None, Some(key)) => return Err(key.refused("`otlp.client_certificate` beside it")),
    };
    Ok(Some(Connection {
        endpoint: self::endpoint(&endpoint, protocol, signal, insecure)?,
        protocol,
        headers: match headers.as_slice() {
            [] => setting("otlp.headers", "", "HEADERS").map_or(Ok(Vec::new()), |it| variable_headers(&it))?,
            ours => ours.iter().map(|text| header(text)).collect::<Result<_, _>>()?,
        },
        timeout,
        gzip: setting("otlp.compression", compression, "COMPRESSION").map_or(Ok(true), |it| match it.text {
            "gzip" => Ok(true),
            "none" => Ok(false),
            _ => Err(it.refused("one of `gzip`, `none`")),
        })?,
        tls: Tls { authority: file("otlp.certificate", certificate, "CERTIFICATE"), client },
    }))
}

fn protocol(setting: &Setting<'_>) -> Result<Protocol, Error> {
    let found = Protocol::ALL.into_iter().find(|protocol| protocol.name() == setting.text);
    found.ok_or_else(|| setting.refused(format!("one of {}", quoted(Protocol::ALL.map(Protocol::name)))))
}

fn endpoint(setting: &Setting<'_>, protocol: Protocol, signal: Signal, insecure: bool) -> Result<Endpoint, Error> {
    let refused = || setting.refused("an address such as `http://collector:4318`, or `collector:4317` for gRPC");
    if protocol == Protocol::Grpc && !setting.text.contains("://") {
        let authority: Authority = setting.text.parse().map_err(|_| refused())?;
        return Ok(Endpoint { is_secure: !insecure, authority, path: String::new() });
    }
    let uri: Uri = setting.text.parse().map_err(|_| refused())?;
    let is_secure = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(refused()),
    };
    let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(refused)?.clone();
    let path = match (protocol, setting.origin) {
        (Protocol::Grpc, _) => String::new(),
        (Protocol::Http, Origin::Specific) => uri.path().to_owned(),
        (Protocol::Http, Origin::Ours | Origin::General) => {
            format!("{}{}", uri.path().trim_end_matches('/'), signal.path())
        }
    };
    Ok(Endpoint { is_secure, authority, path })
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let refused = |expected| Error::value("otlp.headers", text.split('=').next().unwrap_or_default(), expected);
    let (name, value) = pair("otlp.headers", text)?;
    checked(&name, &value).ok_or_else(|| refused("headers such as `authorization=Bearer …`"))
}

fn variable_headers(setting: &Setting<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
    let headers = setting.pairs()?;
    let refused = || setting.refused("headers such as `authorization=Bearer%20…`");
    headers.iter().map(|(name, value)| checked(name, value).ok_or_else(refused)).collect()
}

/// A header. Its value is kept out of logs: it often is a secret.
fn checked(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, mut value): (HeaderName, HeaderValue) = (name.parse().ok()?, value.parse().ok()?);
    value.set_sensitive(true);
    Some((name, value))
}
