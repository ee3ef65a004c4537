//! An address to listen on.

use std::{fmt, net::IpAddr};

/// An address to listen on, in the form `host:port`. An empty host is every address of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// A name, an IPv4 address or an IPv6 address without brackets.
    pub host: String,
    /// The port; 0 lets the kernel choose.
    pub port: u16,
}

impl ListenAddress {
    /// The address in a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.trim().rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(bracketed) => {
                let inner = bracketed.strip_suffix(']')?;
                inner.parse::<std::net::Ipv6Addr>().ok()?;
                inner
            }
            None if host.contains(|c: char| !c.is_ascii_alphanumeric() && !"-._".contains(c)) => return None,
            None => host,
        };
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }
}

impl ListenAddress {
    /// Whether only this machine reaches it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(formatter, "[{host}]:{port}") } else { write!(formatter, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones_come_back() {
        for text in ["127.0.0.1:10435", ":10435", "[::1]:80", "localhost:0", "[fe80::1]:65535"] {
            assert_eq!(ListenAddress::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn bad_ones_are_refused() {
        for text in ["", "10435", "::1:80x", "::1:80", "[::1:80", "[x]:80", "a b:80", "host:", "host:65536", "host:+80"]
        {
            assert_eq!(ListenAddress::parse(text), None, "{text}");
        }
    }
}
