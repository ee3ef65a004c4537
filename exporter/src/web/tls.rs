//! What is said and asked in a handshake.

use std::{fmt, sync::Arc};

use ring::digest::{SHA256, digest};
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring::default_provider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{
        CertificateDer, PrivateKeyDer, UnixTime,
        pem::{self, PemObject as _},
    },
    server::{
        VerifierBuilderError, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use super::{
    file::{Client, Pem, Tls},
    names, san,
};

/// Why TLS is not possible.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("reading {0}")]
    Read(String, #[source] std::io::Error),
    /// Something is no PEM with what is needed.
    #[error("cannot use {0}: PEM with {1} is needed")]
    Pem(String, &'static str, #[source] pem::Error),
    /// The certificate, or its key, is not fit.
    #[error("cannot use the certificate and its key")]
    Certificate(#[source] rustls::Error),
    /// The authority of clients is not fit.
    #[error("cannot use the authority of clients")]
    Authority(#[source] rustls::Error),
    /// Clients cannot be verified.
    #[error("cannot verify certificates of clients")]
    Verifier(#[source] VerifierBuilderError),
}

/// What a handshake needs, and what tells it apart from another one.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) config: Arc<ServerConfig>,
    /// Two that are made of the same have the same.
    pub(super) mark: [u8; 32],
    /// Whether a client that shows a certificate is who it says.
    pub(super) verifies: bool,
}

impl fmt::Debug for Ready {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ready").finish_non_exhaustive()
    }
}

/// Reads the certificates, and makes what a handshake needs.
pub(super) fn ready(tls: &Tls) -> Result<Ready, TlsError> {
    let Tls {
        certificate,
        key,
        client,
        client_authority,
        client_names,
        versions,
        cipher_suites,
        is_order_ours,
        curves,
    } = tls;
    let authority = client_authority.as_ref().map(read).transpose()?;
    let (chain_pem, key_pem) = (read(certificate)?, read(key)?);
    let settings = format!("{client:?} {client_names:?} {versions:?} {cipher_suites:?} {is_order_ours} {curves:?}");
    let parts: [&[u8]; 4] = [&chain_pem, &key_pem, authority.as_deref().unwrap_or_default(), settings.as_bytes()];
    let marks: Vec<u8> = parts.iter().flat_map(|part| digest(&SHA256, part).as_ref().to_vec()).collect();
    let mut mark = [0; 32];
    mark.copy_from_slice(digest(&SHA256, &marks).as_ref());

    let mut provider = default_provider();
    // Whoever names none of a version's suites has not thought of it, except that naming others leaves TLS 1.2 out.
    if !cipher_suites.is_empty() {
        let has_13 = cipher_suites.iter().any(|suite| suite.tls13().is_some());
        let rest = names::all_suites().into_iter().filter(|suite| !has_13 && suite.tls13().is_some());
        provider.cipher_suites = rest.chain(cipher_suites.iter().copied()).collect();
    }
    if !curves.is_empty() {
        provider.kx_groups = curves.iter().filter_map(|curve| names::exchange(*curve)).collect();
    }
    let provider = Arc::new(provider);
    let verifier = verifier(*client, authority.map(|pem| (client_authority, pem)), client_names.as_deref(), &provider)?;
    let chain = certificates(certificate, &chain_pem)?;
    let private = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|error| TlsError::Pem(name(key), "a key", error))?;
    let mut versions = names::versions(versions.0, versions.1);
    versions.retain(|version| provider.cipher_suites.iter().any(|suite| suite.version() == *version));
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(TlsError::Certificate)?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, private).map_err(TlsError::Certificate)?;
    config.ignore_client_order = *is_order_ours;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Ready { config: Arc::new(config), mark, verifies: matches!(client, Client::Verified { .. }) })
}

fn verifier(
    client: Client,
    authority: Option<(&Option<Pem>, Vec<u8>)>,
    names: Option<&[String]>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let verifier: Arc<dyn ClientCertVerifier> = match client {
        Client::Nothing => return Ok(None),
        Client::Any { is_required } => Arc::new(Anybody { is_required, provider: Arc::clone(provider) }),
        Client::Verified { is_required } => {
            let mut roots = RootCertStore::empty();
            if let Some((Some(source), pem)) = authority {
                for certificate in certificates(source, &pem)? {
                    roots.add(certificate).map_err(TlsError::Authority)?;
                }
            }
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            let builder = if is_required { builder } else { builder.allow_unauthenticated() };
            builder.build().map_err(TlsError::Verifier)?
        }
    };
    Ok(Some(match names {
        Some(names) => Arc::new(Named { inner: verifier, names: names.to_vec() }),
        None => verifier,
    }))
}

/// Who shows a certificate has the key of it; who that is, nobody has verified.
#[derive(Debug)]
struct Anybody {
    is_required: bool,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The same, and the certificate has one of some names.
#[derive(Debug)]
struct Named {
    inner: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

impl ClientCertVerifier for Named {
    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.inner.verify_client_cert(certificate, intermediates, now)?;
        if san::names(certificate).iter().any(|name| self.names.contains(name)) {
            Ok(verified)
        } else {
            Err(rustls::CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn read(pem: &Pem) -> Result<Vec<u8>, TlsError> {
    match pem {
        Pem::File(path) => std::fs::read(path).map_err(|error| TlsError::Read(name(pem), error)),
        Pem::Inline(text) => Ok(text.clone().into_bytes()),
    }
}

fn name(pem: &Pem) -> String {
    match pem {
        Pem::File(path) => format!("`{}`", path.display()),
        Pem::Inline(_) => "what stands in the file itself".to_owned(),
    }
}

fn certificates(source: &Pem, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unfit = |error| TlsError::Pem(name(source), "a certificate", error);
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(unfit)?;
    if found.is_empty() { Err(unfit(pem::Error::NoItemsFound)) } else { Ok(found) }
}
