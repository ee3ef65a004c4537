//! Others who have the same tracepoint open.
#![expect(unsafe_code, reason = "a system call takes an address")]

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::FromRawFd as _,
    path::Path,
};

use aya_obj::generated::{PERF_FLAG_FD_CLOEXEC, perf_event_attr, perf_type_id};
use doubleslit::tracepoints::{name::Name, tracefs::Tracefs};

use crate::harness::setup;

/// Counts the hits of a tracepoint by this process from now on, as `perf stat` does.
fn open(id: u32) -> File {
    // SAFETY: all-zero is a valid `perf_event_attr`.
    let mut event = unsafe { std::mem::zeroed::<perf_event_attr>() };
    event.type_ = perf_type_id::PERF_TYPE_TRACEPOINT as u32;
    event.size = size_of::<perf_event_attr>() as u32;
    event.config = id.into();
    let (this_process, any_cpu, no_group) = (0, -1, -1);
    // SAFETY: the kernel reads `size` bytes.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const event,
            this_process,
            any_cpu,
            no_group,
            PERF_FLAG_FD_CLOEXEC,
        )
    };
    assert!(fd >= 0, "perf_event_open: {}", io::Error::last_os_error());
    // SAFETY: the descriptor is new.
    unsafe { File::from_raw_fd(i32::try_from(fd).expect("a descriptor")) }
}

fn count(mut event: &File) -> u64 {
    let mut count = [0; 8];
    event.read_exact(&mut count).expect("the event can be read");
    u64::from_ne_bytes(count)
}

#[test]
#[ignore = "needs root and BTF"]
fn get_every_hit_too() {
    let tracefs = Tracefs::find(Path::new("/")).expect("tracefs");
    let name = Name { category: "sched".to_owned(), name: "sched_process_fork".to_owned() };
    let event = open(tracefs.format(&name).expect("it is described").id);
    let fork = || assert!(std::process::Command::new("true").status().expect("it runs").success());
    let exporter = setup().config("tracepoints: ['sched:sched_process_fork']").start();
    let before = count(&event);
    (0..10).for_each(|_| fork());
    assert_eq!(count(&event) - before, 10, "{}", exporter.log());
}
