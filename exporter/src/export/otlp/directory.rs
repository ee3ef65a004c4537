//! Requests in a directory: a file each, named by its number.
//!
//! A file is written under another name first, so that it is whole or not there when the exporter is killed. A file that is
//! damaged nevertheless, as when the machine crashed, is found out by its checksum.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Buf as _, BufMut as _, Bytes};

const EXTENSION: &str = "request";
const UNFINISHED: &str = "unfinished";
/// Checksum and number of records.
const HEAD_BYTES: usize = 12;
/// What a file takes on disk is a multiple of this.
const BLOCK_BYTES: usize = 4096;

/// The directory. It belongs to one exporter at a time.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: Arc<File>,
}

/// A file of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// Its number: the later, the higher.
    pub(super) number: u64,
    /// The records in it.
    pub(super) records: u64,
    /// What it takes on disk.
    pub(super) bytes: usize,
}

impl Directory {
    /// Opens it; it is made if need be. Returns the files in it, the first one first. Damaged ones are removed, and how many there
    /// were is returned.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Stored>, usize)> {
        // A process that is restricted by now could not make it, even where it is there.
        if !path.is_dir() {
            fs::create_dir_all(path)?;
        }
        let lock = File::create(path.join("lock"))?;
        lock.try_lock()?;
        let directory = Self { path: path.to_owned(), _lock: Arc::new(lock) };
        let (mut whole, mut damaged) = (Vec::new(), 0);
        for entry in fs::read_dir(path)? {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            match (path.extension().and_then(|extension| extension.to_str()), number) {
                (Some(UNFINISHED), Some(_)) => fs::remove_file(&path)?,
                (Some(EXTENSION), Some(number)) => match directory.read(number)? {
                    Some((records, body)) => whole.push(Stored { number, records, bytes: size(body.len()) }),
                    None => {
                        directory.remove(number)?;
                        damaged += 1;
                    }
                },
                _ => {}
            }
        }
        whole.sort_by_key(|stored| stored.number);
        Ok((directory, whole, damaged))
    }

    /// Writes a file.
    pub(super) fn write(&self, number: u64, records: u64, body: &[u8]) -> io::Result<()> {
        let mut content = Vec::with_capacity(HEAD_BYTES + body.len());
        content.put_u32_le(0);
        content.put_u64_le(records);
        content.put_slice(body);
        let checksum = crc32fast::hash(&content[4..]);
        content[..4].copy_from_slice(&checksum.to_le_bytes());
        let unfinished = self.path.join(number.to_string()).with_extension(UNFINISHED);
        fs::write(&unfinished, content)
            .and_then(|()| fs::rename(&unfinished, self.file(number)))
            .inspect_err(|_| drop(fs::remove_file(&unfinished)))
    }

    /// Reads a file: the number of records and the request. Nothing when it is damaged.
    pub(super) fn read(&self, number: u64) -> io::Result<Option<(u64, Bytes)>> {
        let mut content = Bytes::from(fs::read(self.file(number))?);
        if content.len() < HEAD_BYTES {
            return Ok(None);
        }
        let checksum = content.get_u32_le();
        let is_whole = crc32fast::hash(&content) == checksum;
        let records = content.get_u64_le();
        Ok(is_whole.then_some((records, content)))
    }

    /// Has the disk keep these files, and their names, even if the machine crashes. Returns how many were still there.
    pub(super) fn sync(&self, numbers: &[u64]) -> io::Result<usize> {
        let mut synced = 0;
        for number in numbers {
            match File::open(self.file(*number)) {
                Ok(file) => file.sync_data()?,
                // It was sent meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            synced += 1;
        }
        if synced > 0 {
            File::open(&self.path)?.sync_all()?;
        }
        Ok(synced)
    }

    /// Removes a file.
    pub(super) fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.file(number))
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.join(number.to_string()).with_extension(EXTENSION)
    }
}

/// What a request of so many bytes takes on disk.
pub(super) const fn size(bytes: usize) -> usize {
    (HEAD_BYTES + bytes).next_multiple_of(BLOCK_BYTES)
}
