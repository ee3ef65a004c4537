//! An exporter with a web configuration, and clients of it.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use doubleslit_testbed::{
    collector::Authority,
    exporter::{Exporter, Setup, free_address},
    http::{Connection, Response},
    scrape::Scrape,
    wait,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tempfile::TempDir;

use crate::harness::BINARY;

/// A web configuration, and the certificates that it may name.
pub(crate) struct Place {
    directory: TempDir,
    pub(crate) authority: Authority,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let authority = Authority::new(directory.path());
        drop(authority.certify("server"));
        Self { directory, authority }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path("web.yml")
    }

    /// Replaces the web configuration.
    pub(crate) fn write(&self, text: &str) {
        fs::write(self.file(), text).expect("a file can be written");
    }

    /// What has a server encrypt, with further lines.
    pub(crate) fn tls(more: &str) -> String {
        format!("tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n{more}")
    }

    /// An exporter with this configuration, as soon as it serves.
    pub(crate) fn serve(&self, web: &str, config: &str) -> Exporter {
        self.write(web);
        let file = self.file();
        let setup = Setup::new(Path::new(BINARY)).config("poll: {max_age: 0s}").config(config);
        let exporter = setup.arguments(&["--web.config.file", file.to_str().expect("text")]).launch(free_address());
        wait::until("it serves", || {
            assert!(!exporter.log().contains("doubleslit: "), "{}", exporter.log());
            TcpStream::connect(exporter.address).ok()?;
            exporter.log().contains(" serving ").then_some(())
        });
        exporter
    }

    /// What a client trusts, and whom it is itself.
    pub(crate) fn client(&self, own: Option<&(PathBuf, PathBuf)>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.authority.certificate()).expect("PEM")).expect("a certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("there are versions")
            .with_root_certificates(roots);
        Arc::new(match own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_file(certificate).expect("PEM")];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).expect("PEM")).expect("a key")
            }
        })
    }
}

/// Connects, with TLS if there is a configuration for it.
pub(crate) fn connect(address: SocketAddr, tls: Option<&Arc<ClientConfig>>) -> io::Result<Connection> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    stream.set_nodelay(true)?;
    let Some(config) = tls else { return Ok(Connection::over(stream, address)) };
    let name = address.ip().into();
    let connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    Ok(Connection::over(StreamOwned::new(connection, stream), address))
}

/// Asks once, over a connection of its own.
pub(crate) fn get(
    address: SocketAddr,
    tls: Option<&Arc<ClientConfig>>,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Response> {
    connect(address, tls)?.get(path, headers)
}

/// The status of the answer to a question.
pub(crate) fn status(exporter: &Exporter, path: &str, headers: &[(&str, &str)]) -> u16 {
    get(exporter.address, None, path, headers).expect("an answer").status
}

/// The metrics that somebody with a password gets.
pub(crate) fn scrape(address: SocketAddr, tls: Option<&Arc<ClientConfig>>, headers: &[(&str, &str)]) -> Scrape {
    let answer = get(address, tls, "/metrics", headers).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    Scrape::parse(&answer.text())
}

/// How many were turned away for a reason.
pub(crate) fn refused(scrape: &Scrape, reason: &str) -> f64 {
    scrape.sum("doubleslit_web_refused_total", &[("reason", reason)])
}

/// Sends bytes and returns what comes until the other side ends or nothing comes any more.
pub(crate) fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(2))).expect("it can be set");
    // The other side may end before it has read all of it.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// Runs curl: its exit code, and what it prints.
pub(crate) fn curl(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "20"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("curl can be run");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}
