//! Certificates for tests of TLS.

use std::path::{Path, PathBuf};

use crate::shell;

/// A name for which certificates are, beside the address.
pub const NAME: &str = "collector.test";

/// Who signs certificates.
#[derive(Debug)]
pub struct Authority {
    directory: PathBuf,
}

impl Authority {
    /// One that keeps its files in a directory.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let authority = Self { directory: directory.to_owned() };
        let (certificate, key) = (authority.certificate(), authority.file("authority.key"));
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout {} -out {}",
            key.display(),
            certificate.display()
        ));
        authority
    }

    /// Its own certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.file("authority.pem")
    }

    /// Signs a certificate for 127.0.0.1 and [`NAME`]. Returns it and its key.
    #[must_use]
    pub fn certify(&self, name: &str) -> (PathBuf, PathBuf) {
        let [certificate, key, request] = ["pem", "key", "csr"].map(|kind| self.file(&format!("{name}.{kind}")));
        openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} \
             -addext subjectAltName=IP:127.0.0.1,DNS:{NAME} -keyout {} -out {}",
            key.display(),
            request.display()
        ));
        openssl(&format!(
            "x509 -req -in {} -CA {} -CAkey {} -copy_extensions copy -days 2 -out {}",
            request.display(),
            self.certificate().display(),
            self.file("authority.key").display(),
            certificate.display()
        ));
        (certificate, key)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

fn openssl(arguments: &str) {
    shell::run("openssl", arguments.split_whitespace());
}
