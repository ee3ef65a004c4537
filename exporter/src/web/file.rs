//! The web configuration file, as exporters of Prometheus share it: what is written in it, checked.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::http::{HeaderName, HeaderValue, header};
use rustls::{NamedGroup, SupportedCipherSuite};

use super::{
    names,
    password::{Hash, Users},
    yaml::{self, Fault, Node, join},
};

const TLS: &str = "tls_server_config";
const HTTP: &str = "http_server_config";
const USERS: &str = "basic_auth_users";
const RATE: &str = "rate_limit";

/// The headers that the file may set, and the values that they may have; none where any does.
const HEADERS: [(&str, HeaderName, &[&str]); 5] = [
    ("Strict-Transport-Security", header::STRICT_TRANSPORT_SECURITY, &[]),
    ("X-Content-Type-Options", header::X_CONTENT_TYPE_OPTIONS, &["nosniff"]),
    ("X-Frame-Options", header::X_FRAME_OPTIONS, &["deny", "sameorigin"]),
    ("X-XSS-Protection", header::X_XSS_PROTECTION, &[]),
    ("Content-Security-Policy", header::CONTENT_SECURITY_POLICY, &[]),
];

/// What is in the file. An empty one asks for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct File {
    pub(super) tls: Option<Tls>,
    /// Headers of every answer, over those that it has otherwise.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) users: Users,
    pub(super) rate: Option<Rate>,
}

/// How connections are encrypted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tls {
    pub(super) certificate: Pem,
    pub(super) key: Pem,
    pub(super) client: Client,
    pub(super) client_authority: Option<Pem>,
    /// Names of which a client's certificate must have one; none where any will do.
    pub(super) client_names: Option<Vec<String>>,
    /// The oldest and the newest version.
    pub(super) versions: (u8, u8),
    /// None where the library chooses.
    pub(super) cipher_suites: Vec<SupportedCipherSuite>,
    pub(super) is_order_ours: bool,
    /// None where the library chooses.
    pub(super) curves: Vec<NamedGroup>,
}

/// Certificates or a key.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Pem {
    File(PathBuf),
    Inline(String),
}

impl fmt::Debug for Pem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
            Self::Inline(_) => formatter.write_str("Inline(***)"),
        }
    }
}

/// What is asked of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// Nothing.
    Nothing,
    /// A certificate, of whomever, if it has one.
    Any { is_required: bool },
    /// A certificate that the authority has signed.
    Verified { is_required: bool },
}

impl Client {
    /// The names, those of Go; the second one of the same choice is an old one.
    const ALL: [(&str, Self); 6] = [
        ("NoClientCert", Self::Nothing),
        ("RequestClientCert", Self::Any { is_required: false }),
        ("RequireAnyClientCert", Self::Any { is_required: true }),
        ("RequireClientCert", Self::Any { is_required: true }),
        ("VerifyClientCertIfGiven", Self::Verified { is_required: false }),
        ("RequireAndVerifyClientCert", Self::Verified { is_required: true }),
    ];

    /// How much this keeps out, to be compared.
    pub(super) fn strictness(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Any { is_required: false } => 1,
            Self::Any { is_required: true } => 2,
            Self::Verified { is_required: false } => 3,
            Self::Verified { is_required: true } => 4,
        }
    }
}

/// How many requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// One each, in the long run.
    pub(super) interval: Duration,
    /// So many at once.
    pub(super) burst: u32,
}

impl File {
    /// Reads the text of a file in a directory.
    pub(super) fn parse(text: &str, directory: &Path) -> Result<Self, Fault> {
        let Some(tree) = yaml::parse(text)? else { return Ok(Self::default()) };
        let sections = tree.section("", &[TLS, HTTP, USERS, RATE])?;
        let tls = sections.get(TLS).map(|node| tls(node, directory)).transpose()?.flatten();
        let headers = sections.get(HTTP).map(|node| http(node)).transpose()?.unwrap_or_default();
        let users = sections.get(USERS).map(|node| users(node)).transpose()?.unwrap_or_default();
        let rate = sections.get(RATE).map(|node| rate(node)).transpose()?.flatten();
        Ok(Self { tls, headers, users, rate })
    }
}

fn tls(node: &Node, directory: &Path) -> Result<Option<Tls>, Fault> {
    const KEYS: [&str; 13] = [
        "cert",
        "key",
        "client_ca",
        "cert_file",
        "key_file",
        "client_auth_type",
        "client_ca_file",
        "client_allowed_sans",
        "min_version",
        "max_version",
        "cipher_suites",
        "prefer_server_cipher_suites",
        "curve_preferences",
    ];
    let entries = node.section(TLS, &KEYS)?;
    if entries.is_empty() {
        return Ok(None);
    }
    let text = |key: &str| entries.get(key).map(|node| node.text(&join(TLS, key))).transpose();
    let pem = |key: &str| -> Result<Option<Pem>, Fault> {
        let file_key = format!("{key}_file");
        // An empty text is as good as none.
        let inline = text(key)?.filter(|text| !text.is_empty());
        match (inline, text(&file_key)?.filter(|text| !text.is_empty())) {
            (Some(_), Some(_)) => {
                let reason = format!("`{TLS}.{key}` and `{TLS}.{file_key}`: expected one of them");
                Err(Fault::new(entries[key].line, reason))
            }
            (Some(inline), None) => Ok(Some(Pem::Inline(inline.to_owned()))),
            (None, file) => Ok(file.map(|file| Pem::File(directory.join(file)))),
        }
    };
    let needed = |key: &str| {
        let missing = || Fault::new(node.line, format!("`{TLS}` needs `{key}_file`, or the text itself as `{key}`"));
        pem(key)?.ok_or_else(missing)
    };
    let (certificate, key, client_authority) = (needed("cert")?, needed("key")?, pem("client_ca")?);
    let client = match text("client_auth_type")?.unwrap_or_default() {
        "" => Client::Nothing,
        name => {
            let found = Client::ALL.iter().find(|(other, _)| *other == name).map(|(_, client)| *client);
            found.ok_or_else(|| unfit(&entries, "client_auth_type", &one_of(Client::ALL.map(|(name, _)| name))))?
        }
    };
    match client {
        Client::Verified { .. } if client_authority.is_none() => {
            let expected = "`client_ca_file` as well: the certificate of who signs those of clients";
            return Err(unfit(&entries, "client_auth_type", expected));
        }
        Client::Nothing if client_authority.is_some() => {
            let reason = format!(
                "`{TLS}` has an authority for certificates of clients, and asks for none: expected \
                 `client_auth_type: RequireAndVerifyClientCert`"
            );
            return Err(Fault::new(node.line, reason));
        }
        _ => {}
    }
    let list = |key: &str| entries.get(key).map(|node| node.texts(&join(TLS, key))).transpose();
    let client_names =
        list("client_allowed_sans")?.map(|names| names.iter().map(|(name, _)| (*name).to_owned()).collect());
    let is_required = matches!(client, Client::Any { is_required: true } | Client::Verified { is_required: true });
    if client_names.is_some() && !is_required {
        let expected =
            "`client_auth_type: RequireAndVerifyClientCert` as well, because else who has no certificate gets in";
        return Err(unfit(&entries, "client_allowed_sans", expected));
    }
    let version = |key: &str, default: &str| {
        let name = text(key)?.filter(|name| !name.is_empty()).unwrap_or(default);
        names::version(name).map_err(|expected| unfit(&entries, key, &expected))
    };
    let versions = (version("min_version", "TLS12")?, version("max_version", "TLS13")?);
    if versions.0 > versions.1 {
        return Err(unfit(&entries, "min_version", "no later version than `max_version`"));
    }
    Ok(Some(Tls {
        certificate,
        key,
        client,
        client_authority,
        client_names,
        versions,
        cipher_suites: named(list("cipher_suites")?, "cipher_suites", names::cipher_suite)?,
        is_order_ours: switch(&entries, TLS, "prefer_server_cipher_suites", true)?,
        curves: named(list("curve_preferences")?, "curve_preferences", names::curve)?,
    }))
}

/// The things with these names.
fn named<T>(
    names: Option<Vec<(&str, usize)>>,
    key: &str,
    find: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, Fault> {
    let found = |(name, line): (&str, usize)| {
        find(name).map_err(|expected| Fault::new(line, format!("`{name}` in `{TLS}.{key}`: expected {expected}")))
    };
    names.unwrap_or_default().into_iter().map(found).collect()
}

fn http(node: &Node) -> Result<Vec<(HeaderName, HeaderValue)>, Fault> {
    let entries = node.section(HTTP, &["http2", "headers"])?;
    // HTTP/2 is never spoken: a client asks whether it is, and goes on without.
    switch(&entries, HTTP, "http2", true)?;
    let Some(node) = entries.get("headers") else { return Ok(Vec::new()) };
    let path = join(HTTP, "headers");
    let mut headers = Vec::new();
    for (key, node) in node.section(&path, &HEADERS.map(|(name, ..)| name))? {
        let Some((_, name, values)) = HEADERS.iter().find(|(other, ..)| *other == key) else { continue };
        let (path, text) = (join(&path, key), node.text(&join(&path, key))?);
        if text.is_empty() {
            continue;
        }
        if !values.is_empty() && !values.contains(&text) {
            return Err(node.unfit(&path, &one_of(values)));
        }
        let value = text.parse().map_err(|_| node.unfit(&path, "a text that a header can have"))?;
        headers.push((name.clone(), value));
    }
    Ok(headers)
}

fn users(node: &Node) -> Result<Users, Fault> {
    let mut users = BTreeMap::new();
    for (name, node) in node.entries(USERS)? {
        let path = join(USERS, name);
        if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
            return Err(Fault::new(node.line, format!("`{path}` is no name of a user: expected one without `:`")));
        }
        let hash = Hash::parse(node.text(&path)?).map_err(|expected| node.unfit(&path, &expected))?;
        users.insert(name.clone(), hash);
    }
    Ok(Users::new(users))
}

fn rate(node: &Node) -> Result<Option<Rate>, Fault> {
    let entries = node.section(RATE, &["interval", "burst"])?;
    let text = |key: &str| entries.get(key).map(|node| node.text(&join(RATE, key))).transpose();
    let interval = match text("interval")?.unwrap_or("0") {
        "0" => Duration::ZERO,
        text => humantime::parse_duration(text)
            .map_err(|_| entries["interval"].unfit("rate_limit.interval", "a duration such as `1s`, or `0`"))?,
    };
    let burst = match text("burst")? {
        Some(text) => {
            text.parse().map_err(|_| entries["burst"].unfit("rate_limit.burst", "a number of requests such as `20`"))?
        }
        None => 0,
    };
    if interval.is_zero() {
        return Ok(None);
    }
    if burst == 0 {
        let reason =
            format!("`{RATE}` with an `interval` and without a `burst` answers nobody: expected `burst: 1` or more");
        return Err(Fault::new(node.line, reason));
    }
    Ok(Some(Rate { interval, burst }))
}

fn switch(entries: &BTreeMap<&str, &Node>, section: &str, key: &str, default: bool) -> Result<bool, Fault> {
    let Some(node) = entries.get(key) else { return Ok(default) };
    let path = join(section, key);
    match node.text(&path)? {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(node.unfit(&path, "`true` or `false`")),
    }
}

fn unfit(entries: &BTreeMap<&str, &Node>, key: &str, expected: &str) -> Fault {
    let line = entries.get(key).map_or(1, |node| node.line);
    Fault::new(line, format!("the value of `{TLS}.{key}` does not fit: expected {expected}"))
}

fn one_of<'a>(names: impl AsRef<[&'a str]>) -> String {
    format!("one of {}", names.as_ref().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn parsed(text: &str) -> File {
        File::parse(text, Path::new("/etc/web")).unwrap_or_else(|fault| panic!("{fault:?}"))
    }

    fn refusal(text: &str) -> String {
        let Fault { line, reason } = File::parse(text, Path::new("/etc/web")).expect_err(text);
        format!("{line}: {reason}")
    }

    #[test]
    fn nothing_asks_for_nothing() {
        for text in
            ["", "# nothing\n", "---\n", "tls_server_config:\nbasic_auth_users: {}\n", "rate_limit: {interval: 0}"]
        {
            assert_eq!(parsed(text), File::default(), "{text}");
        }
    }

    #[test]
    fn everything() {
        let file = parsed(&format!(
            "tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [prometheus.example, 10.0.0.1]
  min_version: TLS13
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256, X25519]
http_server_config:
  http2: false
  headers:
    Strict-Transport-Security: max-age=1
    X-Frame-Options: sameorigin
    X-XSS-Protection: ''
basic_auth_users:
  alice: {HASH}
  'null': {HASH}
rate_limit: {{interval: 1s, burst: 20}}
"
        ));
        let tls = file.tls.expect("TLS");
        assert_eq!(tls.certificate, Pem::File("/etc/web/server.crt".into()));
        assert_eq!(tls.key, Pem::File("/keys/server.key".into()));
        assert_eq!(tls.client, Client::Verified { is_required: true });
        assert_eq!(tls.client_names, Some(vec!["prometheus.example".to_owned(), "10.0.0.1".to_owned()]));
        assert_eq!((tls.versions, tls.is_order_ours), ((13, 13), false));
        assert_eq!(tls.cipher_suites.len(), 2);
        assert_eq!(tls.curves, [NamedGroup::secp256r1, NamedGroup::X25519]);
        let headers: Vec<_> = file.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(
            headers,
            [("strict-transport-security", &b"max-age=1"[..]), ("x-frame-options", b"sameorigin")],
            "an empty one is not set"
        );
        assert_ne!(file.users.hash("alice"), file.users.hash("nobody"));
        assert_eq!(file.users.hash("alice"), file.users.hash("null"));
        assert_eq!(file.rate, Some(Rate { interval: Duration::from_secs(1), burst: 20 }));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_line() {
        let tls = |more: &str| format!("tls_server_config:\n  cert_file: c\n  key_file: k\n  {more}\n");
        for (text, expected) in [
            (
                "tls: {}\n".to_owned(),
                "1: unknown key `tls`: expected one of `tls_server_config`, `http_server_config`, ",
            ),
            (tls("certfile: x"), "4: unknown key `tls_server_config.certfile`: expected one of `cert`, `key`, "),
            ("tls_server_config:\n  cert_file: c\n".to_owned(), "1: `tls_server_config` needs `key_file`, or "),
            (
                "\n\ntls_server_config: {client_auth_type: NoClientCert}".to_owned(),
                "3: `tls_server_config` needs `cert_file`",
            ),
            (tls("cert: x"), "4: `tls_server_config.cert` and `tls_server_config.cert_file`: expected one of them"),
            (
                tls("client_auth_type: Perhaps"),
                "4: the value of `tls_server_config.client_auth_type` does not fit: expected one of",
            ),
            (
                tls("client_auth_type: RequireAndVerifyClientCert"),
                "4: the value of `tls_server_config.client_auth_type` does not fit: expected `client_ca_file` as well",
            ),
            (
                tls("client_ca_file: x"),
                "1: `tls_server_config` has an authority for certificates of clients, and asks for none",
            ),
            (
                tls("client_allowed_sans: [x]"),
                "4: the value of `tls_server_config.client_allowed_sans` does not fit: expected `client_auth_type: Require",
            ),
            (
                tls("client_auth_type: RequestClientCert\n  client_allowed_sans: [x]"),
                "5: the value of `tls_server_config.client_allowed_sans` does not fit: expected `client_auth_type: Require",
            ),
            (
                tls("min_version: TLS10"),
                "4: the value of `tls_server_config.min_version` does not fit: expected a version that",
            ),
            (
                tls("min_version: TLS13\n  max_version: TLS12"),
                "4: the value of `tls_server_config.min_version` does not fit: expected no later",
            ),
            (
                tls("cipher_suites:\n    - TLS_RSA_WITH_RC4_128_SHA"),
                "5: `TLS_RSA_WITH_RC4_128_SHA` in `tls_server_config.cipher_suites`: expected a suite",
            ),
            (
                tls("curve_preferences: [CurveP521]"),
                "4: `CurveP521` in `tls_server_config.curve_preferences`: expected a curve",
            ),
            (
                tls("prefer_server_cipher_suites: 1"),
                "4: the value of `tls_server_config.prefer_server_cipher_suites` does not fit: expected `true`",
            ),
            (
                "http_server_config: {headers: {Server: x}}".to_owned(),
                "1: unknown key `http_server_config.headers.Server`: expected one of",
            ),
            (
                "http_server_config: {headers: {X-Frame-Options: allow}}".to_owned(),
                "1: the value of `http_server_config.headers.X-Frame-Options` does not fit: expected one of `deny`, `sameorigin`",
            ),
            (
                "http_server_config:\n  headers: {X-XSS-Protection: \"a\\nb\"}".to_owned(),
                "2: the value of `http_server_config.headers.X-XSS-Protection` does not fit",
            ),
            (
                "basic_auth_users:\n  alice: secret\n".to_owned(),
                "2: the value of `basic_auth_users.alice` does not fit: expected a password hashed with bcrypt",
            ),
            (
                "basic_auth_users:\n  alice:\n".to_owned(),
                "2: the value of `basic_auth_users.alice` does not fit: expected a text",
            ),
            (format!("basic_auth_users:\n  'a:b': {HASH}\n"), "2: `basic_auth_users.a:b` is no name of a user"),
            (
                "basic_auth_users: [alice]\n".to_owned(),
                "1: the value of `basic_auth_users` does not fit: expected a section",
            ),
            (
                "rate_limit: {interval: 1s}".to_owned(),
                "1: `rate_limit` with an `interval` and without a `burst` answers nobody",
            ),
            ("rate_limit: {interval: soon, burst: 1}".to_owned(), "1: the value of `rate_limit.interval` does not fit"),
        ] {
            let told = refusal(&text);
            assert!(told.starts_with(expected), "{text}\n{told}");
            assert!(!told.contains("secret"), "{told}");
        }
    }
}
