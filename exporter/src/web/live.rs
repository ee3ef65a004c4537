//! The file while the exporter runs: it is looked at with every connection and request, and read again when it has changed.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use axum::http::{HeaderName, HeaderValue};
use tracing::{info, warn};

use super::{
    file::{Client, File, Pem, Rate},
    password::Users,
    tls::{self, Ready, TlsError},
    yaml::Fault,
};
use crate::error::chain;

/// How old a file must be for its times to tell it apart from one that is written next.
const SETTLED: Duration = Duration::from_secs(2);

/// More than any such file has.
const BYTES_MAX: u64 = 1 << 20;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("reading the web configuration `{}` (`--web.config.file` names the file)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it does not fit.
    #[error("the web configuration `{}`, line {line}: {reason}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// What.
        reason: String,
    },
    /// It asks for TLS that cannot be had.
    #[error("the web configuration `{}`", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TlsError,
    },
    /// It would let in who is kept out.
    #[error("the web configuration `{}` has {what} no more, and that takes a restart", path.display())]
    Weaker {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
}

/// What the file says.
#[derive(Clone, Debug, Default)]
pub(super) struct Loaded {
    pub(super) tls: Option<Ready>,
    client: Option<Client>,
    /// What else is read for it.
    paths: Vec<PathBuf>,
    pub(super) users: Arc<Users>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) rate: Option<Rate>,
}

impl Loaded {
    fn read(path: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Read { path: path.to_owned(), source };
        if fs::metadata(path).map_err(failed)?.len() > BYTES_MAX {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        let File { tls, headers, users, rate } = File::parse(&text, directory)
            .map_err(|Fault { line, reason }| FileError::Unfit { path: path.to_owned(), line, reason })?;
        let ready = tls.as_ref().map(tls::ready).transpose();
        let ready = ready.map_err(|source| FileError::Tls { path: path.to_owned(), source })?;
        let pems = tls.iter().flat_map(|tls| [Some(&tls.certificate), Some(&tls.key), tls.client_authority.as_ref()]);
        let paths = pems.flatten().filter_map(|pem| match pem {
            Pem::File(path) => Some(path.clone()),
            Pem::Inline(_) => None,
        });
        let paths = [path.to_owned()].into_iter().chain(paths).collect();
        let client = tls.as_ref().map(|tls| tls.client);
        Ok(Self { tls: ready, client, paths, users: Arc::new(users), headers, rate })
    }

    /// Whether anybody who gets in is known, by a password or by a certificate.
    pub(super) fn knows_somebody(&self) -> bool {
        !self.users.is_empty() || self.tls.as_ref().is_some_and(|tls| tls.verifies)
    }

    /// What keeps somebody out here, and not there.
    fn lacks(&self, other: &Self) -> Option<&'static str> {
        let strictness = |loaded: &Self| loaded.client.map_or(0, Client::strictness);
        if self.tls.is_some() && other.tls.is_none() {
            Some("TLS")
        } else if !self.users.is_empty() && other.users.is_empty() {
            Some("users")
        } else if strictness(self) > strictness(other) {
            Some("such strict a `client_auth_type`")
        } else {
            None
        }
    }
}

/// The file, and what it said when it was last good.
#[derive(Debug)]
pub(super) struct Live {
    path: Option<PathBuf>,
    current: ArcSwap<Loaded>,
    looked: Mutex<Looked>,
    is_good: AtomicBool,
}

#[derive(Debug, Default)]
struct Looked {
    stamps: Vec<Option<Stamp>>,
    paths: Vec<PathBuf>,
    /// What was last said to be wrong.
    told: Option<String>,
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// Whether it was not written just now: the same times would not mean the same content.
    is_settled: bool,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let written =
            SystemTime::UNIX_EPOCH + Duration::from_secs(metadata.ctime().max(metadata.mtime()).cast_unsigned());
        Some(Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            is_settled: SystemTime::now().duration_since(written).is_ok_and(|age| age > SETTLED),
        })
    }
}

impl Live {
    /// Reads a file; without one, nothing is asked of anybody.
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self, FileError> {
        let mut looked = Looked::default();
        let mut loaded = Loaded::default();
        if let Some(path) = &path {
            // Looked at first: what changes while it is read is read again.
            loaded = Loaded::read(path)?;
            looked.watch(loaded.paths.clone());
            loaded = Loaded::read(path)?;
        }
        Ok(Self {
            path,
            current: ArcSwap::from_pointee(loaded),
            looked: Mutex::new(looked),
            is_good: AtomicBool::new(true),
        })
    }

    /// What it says now. While it says nothing that can be used, what it said before.
    pub(super) fn now(&self) -> Arc<Loaded> {
        if let Some(path) = &self.path {
            // One look at a time is enough; whoever comes meanwhile does not wait for a disk.
            match self.looked.try_lock() {
                Ok(mut looked) => self.look(path, &mut looked),
                Err(TryLockError::Poisoned(poisoned)) => self.look(path, &mut poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        self.current.load_full()
    }

    /// What it said when it was last looked at.
    pub(super) fn last(&self) -> Arc<Loaded> {
        self.current.load_full()
    }

    /// Whether the file, as it is now, is in use; nothing without a file.
    pub(super) fn is_good(&self) -> Option<bool> {
        self.path.as_ref().map(|_| self.is_good.load(Ordering::Relaxed))
    }

    /// The files that are looked at: the web configuration first, then certificates and keys.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).paths.clone()
    }

    fn look(&self, path: &Path, looked: &mut Looked) {
        if !looked.has_changed() {
            return;
        }
        looked.watch(looked.paths.clone());
        let last = self.current.load();
        let read = Loaded::read(path).and_then(|loaded| match last.lacks(&loaded) {
            None => Ok(loaded),
            Some(what) => Err(FileError::Weaker { path: path.to_owned(), what }),
        });
        match read {
            Ok(loaded) => {
                if looked.told.take().is_some() {
                    info!(file = %path.display(), "the web configuration is in order again, and in use");
                }
                if looked.paths != loaded.paths {
                    // Looked at after they were read: they are read once more with the next request.
                    looked.paths.clone_from(&loaded.paths);
                    looked.stamps = vec![None; loaded.paths.len()];
                }
                self.current.store(Arc::new(loaded));
                self.is_good.store(true, Ordering::Relaxed);
            }
            Err(error) => {
                self.is_good.store(false, Ordering::Relaxed);
                let text = chain(&error);
                if looked.told.as_ref() != Some(&text) {
                    warn!(
                        error = text,
                        "the web configuration has changed and cannot be used; what it said before stays"
                    );
                    looked.told = Some(text);
                }
            }
        }
    }
}

impl Looked {
    fn has_changed(&self) -> bool {
        let is_same = |(path, known): (&PathBuf, &Option<Stamp>)| {
            Stamp::of(path) == *known && known.is_some_and(|stamp| stamp.is_settled)
        };
        !self.paths.iter().zip(&self.stamps).all(is_same)
    }

    fn watch(&mut self, paths: Vec<PathBuf>) {
        self.stamps = paths.iter().map(|path| Stamp::of(path)).collect();
        self.paths = paths;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn users(names: &[&str]) -> String {
        let lines: String = names.iter().map(|name| format!("  {name}: {HASH}\n")).collect();
        format!("basic_auth_users:\n{lines}")
    }

    #[test]
    fn changes_are_seen_and_bad_ones_are_not_used() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("web.yml");
        fs::write(&path, users(&["alice"])).expect("written");
        let live = Live::open(Some(path.clone())).expect("it is good");
        let knows = |name: &str| live.now().users.hash(name) == live.last().users.hash("alice");
        assert_eq!((live.is_good(), knows("alice"), knows("bob")), (Some(true), true, false));
        // Of the same length, in the same moment.
        for (text, is_good, has_bob) in [
            (users(&["alice", "bob"]), true, true),
            (users(&["alice", "eve"]), true, false),
            (users(&["alice", "bob"]), true, true),
            (String::new(), false, true),
            ("basic_auth_users: {}\n".to_owned(), false, true),
            ("basic_auth_users: {alice: secret}\n".to_owned(), false, true),
            (users(&["alice"]), true, false),
        ] {
            fs::write(&path, &text).expect("written");
            assert_eq!((knows("bob"), live.is_good()), (has_bob, Some(is_good)), "{text}");
            assert!(knows("alice"), "{text}");
        }
        fs::remove_file(&path).expect("removed");
        assert!(knows("alice") && live.is_good() == Some(false));
        // Replaced by another one.
        fs::write(directory.path().join("new"), users(&["alice", "bob"])).expect("written");
        fs::rename(directory.path().join("new"), &path).expect("renamed");
        assert!(knows("bob") && live.is_good() == Some(true));
    }

    #[test]
    fn one_that_cannot_be_used_at_first_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("web.yml");
        let refusal = || {
            let error = Live::open(Some(path.clone())).expect_err("refused");
            chain(&error).replace(&directory.path().display().to_string(), "DIR")
        };
        assert_eq!(
            refusal(),
            "reading the web configuration `DIR/web.yml` (`--web.config.file` names the file): No such file or directory (os error 2)"
        );
        fs::write(&path, "\nbasic_auth: {}\n").expect("written");
        assert!(refusal().starts_with("the web configuration `DIR/web.yml`, line 2: unknown key `basic_auth`: "));
        fs::write(&path, "tls_server_config: {cert_file: c, key_file: k}\n").expect("written");
        let expected = "the web configuration `DIR/web.yml`: reading `DIR/c`: No such file or directory (os error 2)";
        assert_eq!(refusal(), expected);
        fs::write(directory.path().join("c"), "nothing").expect("written");
        fs::write(directory.path().join("k"), "nothing").expect("written");
        let told = refusal();
        assert!(
            told.starts_with(
                "the web configuration `DIR/web.yml`: cannot use `DIR/c`: PEM with a certificate is needed"
            ),
            "{told}"
        );
    }

    #[test]
    fn no_file_asks_nothing() {
        let live = Live::open(None).expect("nothing to read");
        assert_eq!((live.is_good(), live.files()), (None, Vec::new()));
        assert!(live.now().users.is_empty() && !live.now().knows_somebody());
    }
}
