//! Reads small files that a runtime keeps on disk, trusting nothing about them.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use rustix::fs::{FileType, Mode, OFlags};
use serde::de::DeserializeOwned;

use super::failures::Reason;

/// The size up to which a state file is read.
pub(super) const LIMIT_BYTES: u64 = 4 << 20;

/// Why a state file told nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateFileError {
    #[error("cannot open state file `{}`", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot read state file `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("state file `{}` is not a regular file", path.display())]
    NotRegular { path: PathBuf },
    #[error("state file `{}` is larger than {LIMIT_BYTES} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("cannot parse state file `{}`", path.display())]
    Parse { path: PathBuf, source: serde_json::Error },
}

impl StateFileError {
    /// The kind of failure, for counting.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Open { source, .. }
                if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                Reason::Missing
            }
            Self::Open { .. } | Self::Read { .. } | Self::NotRegular { .. } => Reason::Unreadable,
            Self::TooLarge { .. } | Self::Parse { .. } => Reason::Malformed,
        }
    }
}

/// Reads a JSON file. Returns at once whatever is at `path`: a FIFO or a device is refused, not waited for.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StateFileError> {
    let bytes = read(path)?;
    serde_json::from_slice(&bytes).map_err(|source| StateFileError::Parse { path: path.to_owned(), source })
}

fn read(path: &Path) -> Result<Vec<u8>, StateFileError> {
    let open = |source: rustix::io::Errno| StateFileError::Open { path: path.to_owned(), source: source.into() };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(open)?);

    let stat = rustix::fs::fstat(&file).map_err(open)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(StateFileError::NotRegular { path: path.to_owned() });
    }
    // One byte more than allowed tells a file that is too large, also when it grows meanwhile.
    let mut bytes = Vec::new();
    file.take(LIMIT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| StateFileError::Read { path: path.to_owned(), source })?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > LIMIT_BYTES) {
        return Err(StateFileError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, fs, os::unix::fs::symlink};

    use rustix::fs::{CWD, FileType, Mode};

    use super::*;

    fn reason(path: &Path) -> Reason {
        read_json::<serde_json::Value>(path).expect_err("a failure").reason()
    }

    #[test]
    fn reads_a_regular_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.json");
        fs::write(&path, "[1]").expect("a file");
        assert_eq!(read_json::<Vec<u8>>(&path).expect("a list"), [1]);
    }

    #[test]
    fn tells_what_is_missing() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("file");
        fs::write(&file, "{}").expect("a file");
        assert_eq!(reason(&dir.path().join("nothing")), Reason::Missing);
        assert_eq!(reason(&file.join("below")), Reason::Missing);
    }

    #[test]
    fn refuses_what_is_not_a_regular_file_without_waiting() {
        let dir = tempfile::tempdir().expect("a directory");
        let (fifo, link, file) = (dir.path().join("fifo"), dir.path().join("link"), dir.path().join("file"));
        rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
        fs::write(&file, "{}").expect("a file");
        symlink(&file, &link).expect("a link");
        for path in [&fifo, &link, dir.path(), Path::new("/dev/zero")] {
            assert_eq!(reason(path), Reason::Unreadable, "{}", path.display());
        }
    }

    #[test]
    fn refuses_what_is_too_large_or_no_json() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.json");
        File::create(&path).and_then(|file| file.set_len(LIMIT_BYTES + 1)).expect("a sparse file");
        assert_eq!(reason(&path), Reason::Malformed);
        for text in ["", "{", "\u{0}", &"[".repeat(100_000)] {
            fs::write(&path, text).expect("a file");
            assert_eq!(reason(&path), Reason::Malformed);
        }
    }

    #[test]
    fn says_the_operation_and_keeps_the_cause() {
        let error = read_json::<serde_json::Value>(Path::new("/nonexistent/x")).expect_err("a failure");
        assert_eq!(error.to_string(), "cannot open state file `/nonexistent/x`");
        assert!(error.source().is_some_and(|cause| cause.to_string().contains("No such file")));
    }
}
