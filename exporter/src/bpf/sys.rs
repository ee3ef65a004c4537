//! The `bpf(2)` commands that aya does not have.
#![expect(unsafe_code, reason = "the bpf system call takes addresses")]

use std::{
    ffi::CString,
    io,
    mem::{size_of, zeroed},
    os::{
        fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    sync::atomic::AtomicU64,
};

use aya_obj::generated::{
    PERF_FLAG_FD_CLOEXEC, bpf_attach_type, bpf_attr, bpf_cmd, bpf_prog_info, perf_event_attr, perf_type_id,
};

/// A key that the kernel may write: plain bytes, any of which are valid.
///
/// # Safety
///
/// The type has no padding and no invalid bit patterns.
pub(super) unsafe trait Key: Copy {
    /// Any value.
    const ZERO: Self;
}

// SAFETY: `wire!` proves that there is no padding; all fields are integers.
unsafe impl Key for doubleslit_common::key::CountKey {
    const ZERO: Self = Self::from_bits(0);
}

// SAFETY: `wire!` proves that there is no padding; all fields are integers.
unsafe impl Key for doubleslit_common::key::EdgeKey {
    const ZERO: Self = Self { target: doubleslit_common::key::CountKey::from_bits(0), sender: 0 };
}

// SAFETY: `wire!` proves that there is no padding; all fields are integers.
unsafe impl Key for doubleslit_common::probes::tracepoint::HitKey {
    const ZERO: Self = Self {
        owner: doubleslit_common::key::CountKey::from_bits(0),
        values: [0; doubleslit_common::probes::tracepoint::SPLITS],
    };
}

// SAFETY: an integer.
unsafe impl Key for u32 {
    const ZERO: Self = 0;
}

/// Where a batch begins; the kernel's own numbering of buckets.
pub(super) type Position = u64;

/// What one batch brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    /// Entries written.
    pub count: usize,
    /// Where the next batch begins; nothing at the end of the map.
    pub next: Option<Position>,
}

/// Reads a batch of entries of a per-CPU map whose values are one 64-bit word for each CPU.
///
/// # Errors
///
/// `ENOSPC` when the next bucket has more entries than fit: call again with more room.
pub(super) fn lookup_batch<K: Key>(
    map: BorrowedFd<'_>,
    from: Option<Position>,
    keys: &mut [K],
    values: &mut [u64],
    cpus: usize,
) -> io::Result<Batch> {
    let room = keys.len().min(values.len() / cpus);
    let mut begin = from.unwrap_or_default();
    let mut next = Position::default();
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr = unsafe { zeroed::<bpf_attr>() };
    attr.batch.in_batch = from.map_or(0, |_| (&raw mut begin).addr() as u64);
    attr.batch.out_batch = (&raw mut next).addr() as u64;
    attr.batch.keys = keys.as_mut_ptr().expose_provenance() as u64;
    attr.batch.values = values.as_mut_ptr().expose_provenance() as u64;
    attr.batch.count = u32::try_from(room).unwrap_or(u32::MAX);
    attr.batch.map_fd = map.as_raw_fd().cast_unsigned();
    (&raw mut begin).expose_provenance();
    (&raw mut next).expose_provenance();
    // SAFETY: the kernel writes at most `count` keys and `count` × `cpus` words, for which there is room, and two positions
    // of at most 8 bytes. Keys may have any bits.
    let result = unsafe { bpf(bpf_cmd::BPF_MAP_LOOKUP_BATCH, &mut attr) };
    // SAFETY: the kernel left the number of entries in this member.
    let count = unsafe { attr.batch.count } as usize;
    match result {
        Ok(_) => Ok(Batch { count, next: Some(next) }),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(Batch { count, next: None }),
        Err(error) => Err(error),
    }
}

/// Removes an entry of a per-CPU map and reads its values, as one step. Says whether it was there.
///
/// # Errors
///
/// When the kernel refuses, for another reason than that there is no such entry, and when there is no room for a value
/// of each of the possible `cpus`.
pub(super) fn lookup_and_delete<K: Key>(
    map: BorrowedFd<'_>,
    key: &K,
    values: &[AtomicU64],
    cpus: usize,
) -> io::Result<bool> {
    if values.len() < cpus {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr = unsafe { zeroed::<bpf_attr>() };
    // SAFETY: members of plain integers.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.map_fd = map.as_raw_fd().cast_unsigned();
    element.key = std::ptr::from_ref(key).expose_provenance() as u64;
    element.__bindgen_anon_1.value = values.as_ptr().expose_provenance() as u64;
    // SAFETY: the kernel reads one key and writes one word, which may be shared, for each possible CPU, for which there is room.
    match unsafe { bpf(bpf_cmd::BPF_MAP_LOOKUP_AND_DELETE_ELEM, &mut attr) } {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What the kernel knows of a program.
///
/// # Errors
///
/// When the kernel refuses.
pub(super) fn program_info(program: BorrowedFd<'_>) -> io::Result<bpf_prog_info> {
    // SAFETY: all-zero is a valid `bpf_prog_info` and `bpf_attr`.
    let (mut info, mut attr) = unsafe { (zeroed::<bpf_prog_info>(), zeroed::<bpf_attr>()) };
    attr.info.bpf_fd = program.as_raw_fd().cast_unsigned();
    attr.info.info_len = size_of::<bpf_prog_info>() as u32;
    attr.info.info = (&raw mut info).expose_provenance() as u64;
    // SAFETY: the kernel writes at most `info_len` bytes.
    unsafe { bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attr)? };
    Ok(info)
}

/// Attaches a program to the tracepoint with a number, until the descriptor is closed. The program can ask for the cookie.
///
/// # Errors
///
/// When the kernel refuses.
pub(super) fn attach_tracepoint(program: BorrowedFd<'_>, tracepoint: u32, cookie: u64) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `perf_event_attr`.
    let mut event = unsafe { zeroed::<perf_event_attr>() };
    event.type_ = perf_type_id::PERF_TYPE_TRACEPOINT as u32;
    event.size = size_of::<perf_event_attr>() as u32;
    event.config = tracepoint.into();
    // It need not count anything itself: that it exists is what has the kernel make records.
    event.set_disabled(1);
    // The program runs on every CPU, whichever the event is opened for: it belongs to the tracepoint (`perf_event_attach_bpf_prog`,
    // kernel/trace/bpf_trace.c).
    let (any_task, cpu, no_group) = (-1, 0, -1);
    // SAFETY: the kernel reads `size` bytes.
    let opened = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const event, any_task, cpu, no_group, PERF_FLAG_FD_CLOEXEC)
    };
    // SAFETY: the kernel returned a new descriptor or an error.
    let event = unsafe { owned(opened)? };
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr = unsafe { zeroed::<bpf_attr>() };
    attr.link_create.__bindgen_anon_1.prog_fd = program.as_raw_fd().cast_unsigned();
    attr.link_create.__bindgen_anon_2.target_fd = event.as_raw_fd().cast_unsigned();
    attr.link_create.attach_type = bpf_attach_type::BPF_PERF_EVENT as u32;
    attr.link_create.__bindgen_anon_3.perf_event.bpf_cookie = cookie;
    // SAFETY: the command takes no addresses, and returns a new descriptor. The link keeps the event open.
    unsafe { owned(bpf(bpf_cmd::BPF_LINK_CREATE, &mut attr)?) }
}

/// Gives a map, program or link a name in a file system of type bpf. It stays as long as it has one.
///
/// # Errors
///
/// When the kernel refuses.
pub(super) fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr = unsafe { zeroed::<bpf_attr>() };
    attr.__bindgen_anon_4.pathname = path.as_ptr().expose_provenance() as u64;
    attr.__bindgen_anon_4.bpf_fd = object.as_raw_fd().cast_unsigned();
    // SAFETY: the kernel reads a text that ends with NUL.
    unsafe { bpf(bpf_cmd::BPF_OBJ_PIN, &mut attr) }.map(drop)
}

/// Opens what has a name there.
///
/// # Errors
///
/// When the kernel refuses.
pub(super) fn get_pinned(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr = unsafe { zeroed::<bpf_attr>() };
    attr.__bindgen_anon_4.pathname = path.as_ptr().expose_provenance() as u64;
    // SAFETY: the kernel reads a text that ends with NUL, and returns a new descriptor.
    unsafe { owned(bpf(bpf_cmd::BPF_OBJ_GET, &mut attr)?) }
}

/// A descriptor that a system call returned, or its error.
///
/// # Safety
///
/// The descriptor is nobody else's.
unsafe fn owned(result: i64) -> io::Result<OwnedFd> {
    match i32::try_from(result) {
        // SAFETY: the caller vouches for it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Gives memory that was freed back to the system: the kernel's type information leaves some twenty mebibytes behind.
pub(super) fn return_freed_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it has no preconditions.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// # Safety
///
/// Every address in `attr` is valid for what the command does with it.
unsafe fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<i64> {
    loop {
        // SAFETY: the caller vouches for the addresses.
        let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of::<bpf_attr>()) };
        if result >= 0 {
            return Ok(result);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
