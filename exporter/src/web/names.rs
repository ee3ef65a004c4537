//! What the file calls versions, cipher suites and curves, and what they are to rustls. The names are those of Go, as exporters of
//! Prometheus have them.

use rustls::{
    NamedGroup, SupportedCipherSuite, SupportedProtocolVersion,
    crypto::{
        SupportedKxGroup,
        ring::{cipher_suite as suite, kx_group},
    },
    version,
};

/// Versions of TLS, the oldest first; those without a meaning are spoken no more.
const VERSIONS: [(&str, Option<u8>); 4] = [("TLS10", None), ("TLS11", None), ("TLS12", Some(12)), ("TLS13", Some(13))];

static SUITES: [(&str, SupportedCipherSuite); 9] = [
    ("TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", suite::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

static CURVES: [(&str, &dyn SupportedKxGroup); 3] =
    [("X25519", kx_group::X25519), ("CurveP256", kx_group::SECP256R1), ("CurveP384", kx_group::SECP384R1)];

/// The version with this name, as a number that is larger for later ones.
pub(super) fn version(name: &str) -> Result<u8, String> {
    match VERSIONS.iter().find(|(other, _)| *other == name) {
        Some((_, Some(version))) => Ok(*version),
        Some((_, None)) => {
            Err("a version that this exporter speaks: `TLS12` or `TLS13`; older ones are not safe".to_owned())
        }
        None => Err("`TLS12` or `TLS13`".to_owned()),
    }
}

/// The versions between two of [`version`].
pub(super) fn versions(min: u8, max: u8) -> Vec<&'static SupportedProtocolVersion> {
    [(12, &version::TLS12), (13, &version::TLS13)]
        .into_iter()
        .filter(|(number, _)| (min..=max).contains(number))
        .map(|(_, version)| version)
        .collect()
}

/// The cipher suite with this name.
pub(super) fn cipher_suite(name: &str) -> Result<SupportedCipherSuite, String> {
    SUITES.iter().find(|(other, _)| *other == name).map(|(_, suite)| *suite).ok_or_else(|| {
        format!("a suite that this exporter has, without CBC, RC4 and exchange of keys by RSA: {}", quoted(&SUITES))
    })
}

/// The curve with this name.
pub(super) fn curve(name: &str) -> Result<NamedGroup, String> {
    let found = CURVES.iter().find(|(other, _)| *other == name).map(|(_, curve)| curve.name());
    found.ok_or_else(|| format!("a curve that this exporter has: {}", quoted(&CURVES)))
}

/// All cipher suites, the preferred ones first.
pub(super) fn all_suites() -> Vec<SupportedCipherSuite> {
    rustls::crypto::ring::DEFAULT_CIPHER_SUITES.to_vec()
}

/// The exchange of keys on a curve of [`curve`].
pub(super) fn exchange(curve: NamedGroup) -> Option<&'static dyn SupportedKxGroup> {
    CURVES.iter().map(|(_, known)| *known).find(|known| known.name() == curve)
}

fn quoted<T>(table: &[(&str, T)]) -> String {
    table.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_of_the_library_has_its_name() {
        assert_eq!(SUITES.len(), all_suites().len());
        for (name, suite) in SUITES {
            let own = format!("{:?}", suite.suite());
            let own = own.replace("TLS13_", "TLS_");
            assert_eq!(own, name);
        }
        assert!(CURVES.iter().all(|(_, curve)| exchange(curve.name()).is_some()));
    }

    #[test]
    fn what_is_not_there_is_told() {
        assert_eq!(version("TLS12"), Ok(12));
        assert!(version("TLS11").expect_err("too old").ends_with("older ones are not safe"));
        assert!(version("SSL3").is_err() && curve("CurveP521").is_err());
        let refusal = cipher_suite("TLS_RSA_WITH_AES_128_CBC_SHA").expect_err("too old");
        assert!(refusal.contains("`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`"), "{refusal}");
    }
}
