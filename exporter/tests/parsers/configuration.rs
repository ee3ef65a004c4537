//! The configuration file.

use std::fs;

use doubleslit::config::{Flags, load};
use tempfile::NamedTempFile;

thread_local! {
    /// The file; made once, because this runs often.
    static FILE: NamedTempFile = NamedTempFile::with_prefix("ds-parsers-").expect("a file can be made");
}

/// What must hold for every file: it is refused in one line, or it is a configuration that makes sense.
pub(crate) fn check(bytes: &[u8]) {
    FILE.with(|file| {
        fs::write(file, bytes).expect("a file can be written");
        match load(Some(file.path()), [], &Flags::default()) {
            Ok(config) => {
                assert!(!config.web.listen_addresses.is_empty() && !config.identity.labels.identity.is_empty());
                assert!(config.web.telemetry_path.starts_with('/') && config.identity.docker_root.is_absolute());
                assert!(config.maps.counts > 0 && config.maps.edges > 0 && !config.poll.interval.is_zero());
            }
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        }
    });
}
