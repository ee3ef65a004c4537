//! Certificates: whom to trust, and who we are.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring::default_provider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};

use crate::config::otlp::Tls;

/// Why TLS is not possible.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be used.
    #[error("cannot use `{}`: a PEM file with a certificate or a key is needed", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// No authority can be trusted.
    #[error("this machine trusts nobody; set `otlp.certificate` to the certificate of who signed the collector's")]
    Nobody,
    /// The certificates do not fit.
    #[error("cannot use the certificates")]
    Certificates(#[source] rustls::Error),
    /// The collector's name is none that a certificate can have.
    #[error("`{0}` is no name that a certificate can have")]
    Name(String),
}

/// What a client says and asks in a handshake that chooses `protocol`.
pub(super) fn configuration(tls: &Tls, protocol: &[u8]) -> Result<ClientConfig, TlsError> {
    let Tls { authority, client } = tls;
    let mut roots = RootCertStore::empty();
    match authority {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(TlsError::Certificates)?;
            }
        }
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        return Err(TlsError::Nobody);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Certificates)?;
    let builder = builder.with_root_certificates(roots);
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let file = |source| TlsError::File { path: key.clone(), source };
            let private = PrivateKeyDer::from_pem_file(key).map_err(file)?;
            builder.with_client_auth_cert(certificates(certificate)?, private).map_err(TlsError::Certificates)?
        }
    };
    config.alpn_protocols = vec![protocol.to_owned()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |source| TlsError::File { path: path.to_owned(), source };
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(file)?.collect::<Result<Vec<_>, _>>().map_err(file)?;
    if certificates.is_empty() { Err(file(pem::Error::NoItemsFound)) } else { Ok(certificates) }
}
