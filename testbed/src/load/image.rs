//! The smallest program: it exits with status 0 before any library could start.

use std::{
    ffi::CString,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

const BASE: u64 = 0x40_0000;
const HEADERS: u64 = 64 + 56;

/// `exit(0)` in machine code, and the number of its machine in ELF.
#[cfg(target_arch = "x86_64")]
const MACHINE: (u16, &[u8]) = (62, &[0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]);
/// `exit(0)` in machine code, and the number of its machine in ELF.
#[cfg(target_arch = "aarch64")]
const MACHINE: (u16, &[u8]) = (183, &[0x00, 0x00, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4]);

/// The program in a file.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    /// The path as system calls take it.
    pub program: CString,
}

impl Image {
    /// Writes the program into a directory from which programs may be executed.
    ///
    /// Must happen before the first fork: a child that inherits the file open for writing would make it busy.
    pub fn write(directory: &Path) -> Result<Self> {
        let path = directory.join(format!("exit-at-once.{}", std::process::id()));
        fs::write(&path, bytes()).with_context(|| format!("cannot write `{}`", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let program = CString::new(path.as_os_str().as_bytes())?;
        Ok(Self { path, program })
    }

    /// Removes the file, if it is still there.
    pub fn remove(&self) {
        drop(fs::remove_file(&self.path));
    }

    /// Opens the program.
    pub fn open(&self) -> Result<fs::File> {
        fs::File::open(&self.path).with_context(|| format!("cannot open `{}`", self.path.display()))
    }
}

/// One ELF header, one program header (elf(5)), the code.
fn bytes() -> Vec<u8> {
    let (machine, code) = MACHINE;
    let size = HEADERS + code.len() as u64;
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [2, machine] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.extend(1_u32.to_le_bytes());
    for entry_and_tables in [BASE + HEADERS, 64, 0] {
        bytes.extend(entry_and_tables.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 1, 64, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    let (load, readable_and_executable) = (1_u32, 5_u32);
    bytes.extend(load.to_le_bytes());
    bytes.extend(readable_and_executable.to_le_bytes());
    for segment in [0, BASE, BASE, size, size, 0x1000] {
        bytes.extend(segment.to_le_bytes());
    }
    bytes.extend(code);
    bytes
}
