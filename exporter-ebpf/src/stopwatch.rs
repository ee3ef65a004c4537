//! When each task began its system call.
//!
//! The note belongs to the task: nobody else can take it, a thread that executes a program keeps it although its number changes,
//! and the kernel frees it with the task.

use core::ptr;

use aya_ebpf::{
    bindings::{BPF_F_NO_PREALLOC, BPF_LOCAL_STORAGE_GET_F_CREATE, bpf_map_type::BPF_MAP_TYPE_TASK_STORAGE},
    helpers::{bpf_ktime_get_ns, generated::bpf_task_storage_get},
    macros::btf_map,
};

use crate::kernel::task::Task;

/// What is known of each task: nanoseconds since the machine started, 0 for no call.
#[btf_map]
static CALLS: TaskStorage<u64> = TaskStorage::new();

/// Notes that a task begins a call now. Where there is no memory for it, the call has no beginning.
#[inline(always)]
pub fn start(task: Task) {
    if let Some(begun) = CALLS.get(task, u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE)) {
        // SAFETY: the helper returned the task's own value, and the task is the one that runs.
        unsafe { *begun = bpf_ktime_get_ns() };
    }
}

/// Nanoseconds since a task began the call that it is in, if that was noted. The note is gone then.
#[inline(always)]
pub fn stop(task: Task) -> Option<u64> {
    // SAFETY: the helper has no preconditions.
    let now = unsafe { bpf_ktime_get_ns() };
    let begun = CALLS.get(task, 0)?;
    // SAFETY: the helper returned the task's own value, and the task is the one that runs.
    let begun = unsafe { ptr::replace(begun, 0) };
    if begun == 0 { None } else { Some(now - begun) }
}

/// A map with a value for each task, as its type information describes it to whoever loads it.
///
/// The kernel asks for this information, for no preallocation and for no number of entries
/// (`bpf_local_storage_map_alloc_check`, kernel/bpf/bpf_local_storage.c). aya-ebpf has such maps for sockets, inodes and
/// cgroups only.
#[repr(C)]
struct TaskStorage<T> {
    r#type: *const [i32; BPF_MAP_TYPE_TASK_STORAGE as usize],
    key: *const i32,
    value: *const T,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; BPF_F_NO_PREALLOC as usize],
}

// SAFETY: the pointers are never followed.
unsafe impl<T> Sync for TaskStorage<T> {}

impl<T> TaskStorage<T> {
    const fn new() -> Self {
        Self {
            r#type: ptr::null(),
            key: ptr::null(),
            value: ptr::null(),
            max_entries: ptr::null(),
            map_flags: ptr::null(),
        }
    }

    /// The value of a task, if it has one or may get one.
    #[inline(always)]
    fn get(&self, task: Task, flags: u64) -> Option<*mut T> {
        let map = ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the first argument is a map of tasks, the second a task that the verifier knows. A new value is all zeros.
        let value = unsafe { bpf_task_storage_get(map, task.pointer().cast_mut().cast(), ptr::null_mut(), flags) };
        if value.is_null() { None } else { Some(value.cast()) }
    }
}
