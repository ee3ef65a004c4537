//! Pages of other sites, which a browser on this machine may show while they ask for what is here.
//!
//! Any name but `localhost` may be made to lead here by whoever owns it, whose page a browser then takes for this one (DNS
//! rebinding). And a page of another site may begin what it cannot read. What is no browser sends none of the headers that tell.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header, uri::Authority};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The names by which requests may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Whether a request by another name is turned away. An address is never another name.
    is_closed: bool,
    names: Vec<String>,
}

impl Hosts {
    /// Any name will do.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Only `localhost`, addresses and these names.
    #[must_use]
    pub fn only(names: impl IntoIterator<Item = String>) -> Self {
        Self { is_closed: true, names: names.into_iter().map(|name| plain(&name)).collect() }
    }

    /// Whether a request may be one of this site's own: the target's authority goes before the header.
    pub(super) fn are_fine(&self, target: Option<&Authority>, headers: &HeaderMap) -> bool {
        if is_foreign(headers) {
            return false;
        }
        if !self.is_closed {
            return true;
        }
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (target, hosts.next(), hosts.next()) {
            (Some(target), ..) => Some(target.clone()),
            // No browser leaves it out.
            (None, None, _) => return true,
            (None, Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
            (None, Some(_), Some(_)) => None,
        };
        host.is_some_and(|host| is_here(&host) || self.names.contains(&plain(host.host())))
    }
}

/// Whether a request asks for this machine by an address or as `localhost`, and not from another site.
#[must_use]
pub fn is_asked_here(headers: &HeaderMap) -> bool {
    let host = text(headers, &header::HOST).and_then(|host| host.parse().ok());
    let is_own = matches!(text(headers, &SITE), None | Some("same-origin" | "none"));
    is_own && host.is_some_and(|host| is_here(&host))
}

fn is_here(host: &Authority) -> bool {
    let host = host.host().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
}

/// Whether a page of another site asks, other than by a link that somebody follows.
fn is_foreign(headers: &HeaderMap) -> bool {
    let is_foreign = !matches!(text(headers, &SITE), None | Some("same-origin" | "none"));
    is_foreign && text(headers, &MODE) != Some("navigate")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok())
}

/// A name in the form in which two are compared.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
        pairs.map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn another_site_is_not_this_one() {
        for (host, site, expected) in [
            ("127.0.0.1:10435", "", true),
            ("127.0.0.1", "same-origin", true),
            ("[::1]:10435", "none", true),
            ("localhost:10435", "same-origin", true),
            ("rebound.example:10435", "same-origin", false),
            ("localhost.example", "", false),
            ("127.0.0.1:10435", "cross-site", false),
            ("127.0.0.1:10435", "same-site", false),
            ("a b", "", false),
            ("", "", false),
        ] {
            let headers = headers(&[("host", host), ("sec-fetch-site", site)]);
            assert_eq!(is_asked_here(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn names_that_may_ask() {
        let (any, only) = (Hosts::any(), Hosts::only(["Node-1".to_owned(), "proxy.example.".to_owned()]));
        for (host, is_only) in [
            ("127.0.0.1:10435", true),
            ("[::1]:10435", true),
            ("LOCALHOST", true),
            ("node-1:10435", true),
            ("proxy.example", true),
            ("PROXY.example.:80", true),
            ("", true),
            ("rebound.example:10435", false),
            ("node-1.rebound.example", false),
            ("127.0.0.1.rebound.example", false),
            ("a b", false),
        ] {
            let headers = headers(&[("host", host)]);
            assert_eq!((any.are_fine(None, &headers), only.are_fine(None, &headers)), (true, is_only), "{host}");
        }
        // What the request line says is what is meant.
        let here = headers(&[("host", "127.0.0.1")]);
        assert!(!only.are_fine(Some(&"rebound.example".parse().expect("a host")), &here));
        let mut two = here.clone();
        two.append(header::HOST, HeaderValue::from_static("rebound.example"));
        assert!(!only.are_fine(None, &two));
    }

    #[test]
    fn a_link_may_lead_here_a_script_may_not_ask() {
        for (site, mode, expected) in [
            ("cross-site", "no-cors", false),
            ("cross-site", "cors", false),
            ("same-site", "", false),
            ("cross-site", "navigate", true),
            ("same-origin", "cors", true),
            ("none", "navigate", true),
            ("", "", true),
        ] {
            let headers = headers(&[("sec-fetch-site", site), ("sec-fetch-mode", mode)]);
            assert_eq!(Hosts::any().are_fine(None, &headers), expected, "{site} {mode}");
        }
    }
}
