//! What is told of this machine and this exporter.

use std::{env::consts, fs, path::Path};

use prost::{Message as _, bytes::Bytes};
use rustix::system::uname;

use super::messages::{Attribute, Resource};

/// The resource: this exporter on this machine, whose root is at `host_root`.
#[derive(Clone, Debug)]
pub struct Describer {
    attributes: Vec<Attribute>,
    encoded: Bytes,
}

impl Describer {
    /// Looks at the machine. `configured` attributes come before those that are found.
    #[must_use]
    pub fn new(host_root: &Path, configured: &[(String, String)]) -> Self {
        let kernel = uname();
        let found = [
            ("service.name", "doubleslit".to_owned()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", line(Path::new("/proc/sys/kernel/random/uuid"))),
            ("host.name", kernel.nodename().to_string_lossy().into_owned()),
            ("host.id", line(&host_root.join("etc/machine-id"))),
            ("host.arch", architecture(consts::ARCH).to_owned()),
            ("os.type", consts::OS.to_owned()),
            ("os.version", kernel.release().to_string_lossy().into_owned()),
        ];
        let is_configured = |name: &str| configured.iter().any(|(other, _)| other == name);
        let found = found.into_iter().filter(|(name, value)| !value.is_empty() && !is_configured(name));
        let found = found.map(|(name, value)| Attribute::text(name.to_owned(), &value));
        let configured = configured.iter().map(|(name, value)| Attribute::text(name.clone(), value));
        let attributes: Vec<_> = found.chain(configured).collect();
        let encoded = Resource { attributes: attributes.clone() }.encode_to_vec().into();
        Self { attributes, encoded }
    }

    /// The resource, encoded.
    #[must_use]
    pub fn encoded(&self) -> Bytes {
        self.encoded.clone()
    }

    /// The same with further attributes.
    pub(super) fn with(&self, further: Vec<Attribute>) -> Bytes {
        let attributes = [self.attributes.as_slice(), &further].concat();
        Resource { attributes }.encode_to_vec().into()
    }
}

/// The one line of a file; empty where there is none.
fn line(path: &Path) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// The name that the conventions have for an architecture.
fn architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
