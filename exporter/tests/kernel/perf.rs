//! Hits of a tracepoint as the kernel itself counts them for a task, as `perf stat` does: without a program.
#![expect(unsafe_code, reason = "a system call takes an address")]

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::fd::FromRawFd as _,
    path::Path,
};

use aya_obj::generated::{PERF_FLAG_FD_CLOEXEC, perf_event_attr, perf_type_id};
use doubleslit::tracepoints::{name::Name, tracefs::Tracefs};

/// The hits of a tracepoint while some tasks run, from now on.
#[derive(Debug)]
pub(crate) struct Hits(Vec<File>);

impl Hits {
    /// Those of this process.
    pub(crate) fn of_this_process(category: &str, name: &str) -> Self {
        Self(vec![open(id(category, name), 0)])
    }

    /// Those on top of a thread of the machine's first process.
    ///
    /// In a micro virtual machine that is an agent of the host, and the kernel may run no program on top of its threads: of
    /// 117,595 signals of a timer, `signal_generate` was missed for the 174 that came there, by every program, and for no other
    /// one. What an interrupt does is nobody's work and comes on top of any task.
    pub(crate) fn of_the_first_process(category: &str, name: &str) -> Self {
        let id = id(category, name);
        let threads = fs::read_dir("/proc/1/task").expect("there is a first process");
        let thread = |entry: fs::DirEntry| entry.file_name().to_string_lossy().parse().expect("a thread's number");
        Self(threads.map(|entry| open(id, thread(entry.expect("a thread")))).collect())
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        let one = |mut event: &File| {
            let mut count = [0; 8];
            event.read_exact(&mut count).expect("the event can be read");
            u64::from_ne_bytes(count)
        };
        self.0.iter().map(one).sum()
    }
}

fn id(category: &str, name: &str) -> u32 {
    let name = Name { category: category.to_owned(), name: name.to_owned() };
    Tracefs::find(Path::new("/")).expect("tracefs").format(&name).expect("it is described").id
}

fn open(id: u32, task: i32) -> File {
    // SAFETY: all-zero is a valid `perf_event_attr`.
    let mut event = unsafe { std::mem::zeroed::<perf_event_attr>() };
    event.type_ = perf_type_id::PERF_TYPE_TRACEPOINT as u32;
    event.size = size_of::<perf_event_attr>() as u32;
    event.config = id.into();
    let (any_cpu, no_group) = (-1, -1);
    // SAFETY: the kernel reads `size` bytes.
    let fd = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const event, task, any_cpu, no_group, PERF_FLAG_FD_CLOEXEC)
    };
    assert!(fd >= 0, "perf_event_open: {}", io::Error::last_os_error());
    // SAFETY: the descriptor is new.
    unsafe { File::from_raw_fd(i32::try_from(fd).expect("a descriptor")) }
}
