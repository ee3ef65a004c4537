//! System calls with their arguments, for those who listen. One program notes how a call begins, the other sends it when it
//! returns.
//!
//! Nothing is lost where a beginning is not noted: the registers still have the arguments when the call returns.

use core::{ffi::c_void, hint, mem};

use aya_ebpf::{
    Global,
    bindings::BPF_F_NO_PREALLOC,
    helpers::{
        bpf_ktime_get_boot_ns,
        generated::{bpf_probe_read_kernel, bpf_probe_read_user, bpf_probe_read_user_str},
    },
    macros::{btf_tracepoint, map},
    maps::{Array, HashMap, PerCpuArray},
    programs::BtfTracePointContext,
};
use doubleslit_common::{
    filter::Facts,
    kind::Kind,
    probes::{
        syscall::{self, CALLS, NOTED, WANTED},
        syscall_event::{
            ARGUMENTS, BYTES_MAX, COMPAT_CALL, LIST_TEXTS, MEMORY_BYTES, NEVER_RETURNS, Part, READS, REPLACES_MEMORY,
            RETURNED, Read, Reads, SyscallEvent, TEXT_BYTES, length, moment, state, what,
        },
    },
};

use crate::{
    event,
    kernel::{cgroup, process, registers::Registers, task::Task},
    traced::{self, What},
};

/// What is to be done with each call: the bits of `syscall` and `syscall_event`.
#[unsafe(no_mangle)]
static SYSCALL_EVENTS: Global<[u8; CALLS]> = Global::new([0; CALLS]);

/// What is read for each call. Userspace writes it before anything is attached.
#[map]
static SYSCALL_READS: Array<Reads> = Array::with_max_entries(CALLS as u32, 0);

/// A call that has begun.
#[repr(C)]
struct Begun {
    boot_ns: u64,
    /// The task's cgroup then.
    cgroup: u64,
    arguments: [u64; ARGUMENTS],
    number: i32,
    early: Early,
}

/// The calls that have begun, by their task's address. Userspace sets the capacity. A task leaves no entry behind: each call
/// that is noted returns, even where a signal kills the process. Memory is taken by those that are there only.
#[map]
static SYSCALLS_BEGUN: HashMap<u64, Begun> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// A record while it is put together.
#[repr(C)]
struct Draft {
    event: SyscallEvent,
    memory: [u8; MEMORY_BYTES],
    /// How much of the memory is used. It is here because the verifier does not follow what is in a map: so a read is looked at
    /// once, not once for all places where it may begin.
    used: u32,
    /// Bytes that were already read for the first of the reads when the call began.
    early: Early,
    call: Call,
}

/// Bytes that were read when a call began.
#[repr(C)]
#[derive(Clone, Copy)]
struct Early {
    bytes: u32,
    read: [u8; BYTES_MAX],
}

/// Which call a draft is of. It goes through the map for the same reason: what is read is looked at once, not once for each way
/// that leads there.
#[repr(C)]
#[derive(Clone, Copy)]
struct Call {
    /// See [`syscall::call`].
    call: u32,
    /// Its bit [`REPLACES_MEMORY`].
    replaces: u8,
    is_sent: bool,
}

#[map]
static SYSCALL_DRAFT: PerCpuArray<Draft> = PerCpuArray::with_max_entries(1, 0);

/// The drafts of executions, whose memory is gone when they return. Userspace sets the capacity.
#[map]
static EXECUTIONS_BEGUN: HashMap<u64, Draft> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

/// `sys_enter(regs, id)`: runs in the task that makes the call. Calls that seccomp refuses are not here.
#[btf_tracepoint(function = "sys_enter")]
fn syscall_begin(ctx: BtfTracePointContext) -> i32 {
    let number = ctx.arg::<i64>(1) as i32;
    let call = syscall::call(number, false);
    let bits = bits(call);
    if bits & WANTED == 0 || !is_wanted(call) {
        return 0;
    }
    let task = Task::current();
    if task.is_in_compat_syscall() || process::is_own(task) {
        return 0;
    }
    // SAFETY: the first argument is the task's registers.
    let arguments = unsafe { Registers::new(ctx.arg(0)) }.arguments(false);
    // SAFETY: the helper has no preconditions.
    let boot_ns = unsafe { bpf_ktime_get_boot_ns() };
    let Some(draft) = SYSCALL_DRAFT.get_ptr_mut(0) else { return 0 };
    // SAFETY: `draft` is this CPU's element of the map, which only the programs of this file use, one after the other.
    unsafe { begin(draft, number, 0, &arguments, boot_ns) };
    if bits & NEVER_RETURNS != 0 {
        // SAFETY: see above.
        unsafe { send(draft, task, call, None) };
        return 0;
    }
    let early = Early { bytes: 0, read: [0; BYTES_MAX] };
    let mut begun = Begun { boot_ns, cgroup: cgroup::current_id(), arguments, number, early };
    if let Some(reads) = SYSCALL_READS.get_ptr(call) {
        // SAFETY: the map lookup returned an element, which nobody changes any more. The helper checks the source, and the place
        // has room for what is read.
        unsafe {
            let read = (&raw const (*reads).reads[0]).read_volatile();
            if read.what == what::BYTES && read.moment == moment::BEGIN {
                let arguments = &raw const (*draft).event.arguments;
                let wanted = wanted(&read, arguments, 0).min(u64::from(read.limit)).min(BYTES_MAX as u64) as u32;
                let source = argument(arguments, read.argument) as *const c_void;
                let failed = bpf_probe_read_user(begun.early.read.as_mut_ptr().cast(), wanted, source) != 0;
                begun.early.bytes = if failed { 0 } else { wanted };
            }
            if bits & REPLACES_MEMORY != 0 {
                read_all(draft, reads, 0);
                // Without it, what such a call was given is not known.
                let _ = EXECUTIONS_BEGUN.insert(key(task), &*draft, 0);
            }
        }
    }
    // Without it, the time that the call took is not known.
    let _ = SYSCALLS_BEGUN.insert(key(task), &begun, 0);
    0
}

/// `sys_exit(regs, ret)`: runs in the task that made the call.
#[btf_tracepoint(function = "sys_exit")]
fn syscall_event(ctx: BtfTracePointContext) -> i32 {
    let task = Task::current();
    // SAFETY: the first argument is the task's registers.
    let registers = unsafe { Registers::new(ctx.arg(0)) };
    let is_compat = task.is_in_compat_syscall();
    let returned_as = syscall::call(registers.syscall(), is_compat);
    if bits(returned_as) & NOTED == 0 || traced::are_calls() && !traced::concerns_call(returned_as, cgroup::current_id)
    {
        return 0;
    }
    let Some(draft) = SYSCALL_DRAFT.get_ptr_mut(0) else { return 0 };
    let result = ctx.arg::<i64>(1);
    // SAFETY: `draft` is this CPU's element of the map, which only the programs of this file use, one after the other.
    let Call { call, replaces, is_sent } = unsafe {
        take_up(draft, task, registers, is_compat);
        decide(draft, task, result)
    };
    if is_sent {
        let replaced = if replaces != 0 && result >= 0 { EXECUTIONS_BEGUN.get_ptr_mut(key(task)) } else { None };
        // SAFETY: see above; and what is in a map for this task is this task's alone.
        unsafe {
            if let Some(draft) = replaced {
                read_executed(draft, task);
                send(draft, task, call, Some(result));
            } else {
                if let Some(reads) = SYSCALL_READS.get_ptr(call) {
                    read_all(draft, reads, result);
                }
                send(draft, task, call, Some(result));
            }
        }
    }
    if replaces != 0 {
        // What is not there cannot be removed.
        let _ = EXECUTIONS_BEGUN.remove(key(task));
    }
    0
}

/// Begins the record of a call that returns, with what was noted when it began, which is noted no more.
///
/// # Safety
///
/// The pointer is valid.
#[inline(always)]
unsafe fn take_up(draft: *mut Draft, task: Task, registers: Registers, is_compat: bool) {
    let noted = SYSCALLS_BEGUN.get_ptr(key(task));
    // SAFETY: the caller vouches for the draft; the map lookup returned an element.
    unsafe {
        // Who leaves a traced cgroup takes a note along, which may then be found behind another call.
        let is_its_own = |begun: &*const Begun| !traced::are_calls() || (**begun).cgroup == cgroup::current_id();
        match noted.filter(is_its_own) {
            // The number of a return from a signal is no longer in the registers. No 32-bit call is noted; but an execution of a
            // 32-bit program returns as one.
            Some(begun) => {
                begin(draft, (*begun).number, 0, &raw const (*begun).arguments, (*begun).boot_ns);
                (*draft).early = (*begun).early;
            }
            None => {
                let flags = if is_compat { COMPAT_CALL } else { 0 };
                begin(draft, registers.syscall(), flags, &registers.arguments(is_compat), 0);
            }
        }
    }
    if noted.is_some() {
        // It is there.
        let _ = SYSCALLS_BEGUN.remove(key(task));
    }
}

/// Decides what is to be done with the call of a draft.
///
/// # Safety
///
/// The draft is valid, and was begun.
#[inline(always)]
unsafe fn decide(draft: *mut Draft, task: Task, result: i64) -> Call {
    // SAFETY: the caller vouches for the draft.
    unsafe {
        let event = &raw const (*draft).event;
        let number = (&raw const (*event).number).read_volatile();
        let is_compat = (&raw const (*event).flags).read_volatile() & COMPAT_CALL != 0;
        let call = syscall::call(number, is_compat);
        let bits = bits(call);
        let is_sent = bits & WANTED != 0
            && is_wanted(call)
            && !process::is_own(task)
            && !syscall::is_in_new_task(bits, call, number, result);
        let place = &raw mut (*draft).call;
        place.write_volatile(Call { call, replaces: bits & REPLACES_MEMORY, is_sent });
        place.read_volatile()
    }
}

/// What a task is called here: no two that run have the same address, and it stays when an execution gives it another id.
#[inline(always)]
fn key(task: Task) -> u64 {
    task.pointer().addr() as u64
}

/// Whether traces, if it is they that decide, want a call of the task that runs.
#[inline(always)]
fn is_wanted(call: u32) -> bool {
    !traced::are_calls() || traced::is_call_wanted(call, cgroup::current_id)
}

#[inline(always)]
fn bits(call: u32) -> u8 {
    // The compiler knows that a call is below the limit; the verifier has to see it.
    let index = hint::black_box(call as usize) % CALLS;
    // SAFETY: a `Global` is what it holds, and the index is one of it. Volatile, as userspace has written it.
    unsafe { (&raw const SYSCALL_EVENTS).cast::<u8>().add(index).read_volatile() }
}

/// Begins a record.
///
/// # Safety
///
/// Both pointers are valid.
#[inline(always)]
unsafe fn begin(draft: *mut Draft, number: i32, flags: u32, arguments: *const [u64; ARGUMENTS], boot_ns: u64) {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let event = &raw mut (*draft).event;
        (*event).began_boot_ns = boot_ns;
        (*event).arguments = *arguments;
        (*event).result = 0;
        (*event).number = number;
        (*event).flags = flags;
        (&raw mut (*event).parts).write_bytes(0, 1);
        (&raw mut (*draft).used).write_volatile(0);
        (&raw mut (*draft).early.bytes).write_volatile(0);
    }
}

/// Sends a record, if it is wanted.
///
/// # Safety
///
/// The draft is valid, and was begun.
#[inline(always)]
unsafe fn send(draft: *mut Draft, task: Task, call: u32, result: Option<i64>) {
    let what = What { kind: Kind::Syscall, detail: call };
    let facts = Facts { uid: Some(task.uid()), ..Facts::NONE };
    let Some(header) = event::admit(what, cgroup::current_id(), &facts) else { return };
    // SAFETY: the caller vouches for the draft; only what was written is sent.
    unsafe {
        let event = &raw mut (*draft).event;
        (*event).header = header;
        process::describe(task, &raw mut (*event).process);
        if let Some(result) = result {
            (*event).result = result;
            (*event).flags |= RETURNED;
        }
        let used = ((&raw const (*draft).used).read_volatile() as usize).min(MEMORY_BYTES);
        let bytes = mem::size_of::<SyscallEvent>() + used;
        event::send_copy(what, header.cgroup, draft.cast(), bytes);
    }
}

/// Reads what a call's arguments point to.
///
/// # Safety
///
/// The pointers are valid, and the draft was begun.
#[inline(always)]
unsafe fn read_all(draft: *mut Draft, reads: *const Reads, result: i64) {
    for index in 0..READS {
        // SAFETY: the caller vouches for the pointers, and the index is one of the arrays.
        unsafe {
            let read = (&raw const (*reads).reads[index]).read_volatile();
            let source = argument(&raw const (*draft).event.arguments, read.argument);
            if read.what == what::NOTHING {
                break;
            }
            if source == 0 || (read.moment == moment::SUCCESS && result < 0) {
                continue;
            }
            let part = &raw mut (*draft).event.parts[index];
            (*part).argument = read.argument;
            (*part).what = read.what;
            let before = (&raw const (*draft).used).read_volatile();
            let state = match read.what {
                what::TEXT => read_text(draft, source as *const u8),
                what::LIST => read_list(draft, source as *const u64),
                _ => read_bytes(draft, &read, source, result),
            };
            (*part).state = state;
            (*part).bytes = (&raw const (*draft).used).read_volatile() - before;
        }
    }
}

/// Reads path and arguments of an execution where the new program has them, unless they were readable where the old one had
/// them: a process that was just created has no pages yet of what it shares with its parent's file.
///
/// # Safety
///
/// The draft is valid, and that of an execution: its first parts are a text and a list.
#[inline(always)]
unsafe fn read_executed(draft: *mut Draft, task: Task) {
    // SAFETY: the caller vouches for the draft; the helper checks the source, and at the place there is room for it.
    unsafe {
        let parts = (&raw mut (*draft).event.parts).cast::<Part>();
        let (path, list) = (parts, parts.add(1));
        let is_missing = |part: *mut Part| (*part).state == state::UNREADABLE || (*part).state == state::CUT;
        if !is_missing(path) && !is_missing(list) {
            return;
        }
        (&raw mut (*draft).used).write_volatile(0);
        (*path).state = read_text(draft, task.memory().executed_path() as *const u8);
        let used = (&raw const (*draft).used).read_volatile() as usize;
        (*path).bytes = used as u32;
        // An execution may have no list.
        if used > TEXT_BYTES || (*list).state == state::NONE {
            return;
        }
        let (start, all) = task.memory().argument_area();
        let wanted = all.min((MEMORY_BYTES - TEXT_BYTES) as u64) as u32;
        let place = (&raw mut (*draft).memory).cast::<u8>().add(used);
        if bpf_probe_read_user(place.cast(), wanted, start) != 0 {
            ((*list).state, (*list).bytes) = (state::UNREADABLE, 0);
            return;
        }
        ((*list).state, (*list).bytes) = (if all > u64::from(wanted) { state::CUT } else { state::WHOLE }, wanted);
        (&raw mut (*draft).used).write_volatile(used as u32 + wanted);
    }
}

/// Reads a text. Returns what became of it.
///
/// # Safety
///
/// The draft is valid.
#[inline(always)]
unsafe fn read_text(draft: *mut Draft, source: *const u8) -> u8 {
    // SAFETY: the caller vouches for the draft; the helper checks the source, and at the place there is room for it.
    unsafe {
        let used = (&raw const (*draft).used).read_volatile() as usize;
        if used > MEMORY_BYTES - TEXT_BYTES {
            return state::CUT;
        }
        let place = (&raw mut (*draft).memory).cast::<u8>().add(used);
        let read = bpf_probe_read_user_str(place.cast(), TEXT_BYTES as u32, source.cast());
        if read <= 0 {
            return state::UNREADABLE;
        }
        (&raw mut (*draft).used).write_volatile(used as u32 + read as u32);
        if read < TEXT_BYTES as i64 { state::WHOLE } else { state::CUT }
    }
}

/// Reads the texts of a list. Returns what became of them.
///
/// # Safety
///
/// The draft is valid.
#[inline(always)]
unsafe fn read_list(draft: *mut Draft, source: *const u64) -> u8 {
    for number in 0..LIST_TEXTS {
        let mut text = 0_u64;
        // SAFETY: the helper checks the source. The caller vouches for the draft.
        unsafe {
            let pointer = source.wrapping_add(number).cast::<c_void>();
            if bpf_probe_read_user((&raw mut text).cast(), mem::size_of::<u64>() as u32, pointer) != 0 {
                return if number == 0 { state::UNREADABLE } else { state::CUT };
            }
            if text == 0 {
                return state::WHOLE;
            }
            if read_text(draft, text as *const u8) != state::WHOLE {
                return state::CUT;
            }
        }
    }
    state::CUT
}

/// Reads bytes, or takes them where they were already read. Returns what became of them.
///
/// # Safety
///
/// The pointers are valid, the source not necessarily.
#[inline(always)]
unsafe fn read_bytes(draft: *mut Draft, read: &Read, source: u64, result: i64) -> u8 {
    // SAFETY: the caller vouches for the pointers. The helpers check the source, and at the place there is room for it.
    unsafe {
        let used = (&raw const (*draft).used).read_volatile() as usize;
        if used > MEMORY_BYTES - BYTES_MAX {
            return state::CUT;
        }
        let place = (&raw mut (*draft).memory).cast::<u8>().add(used);
        let all = wanted(read, &raw const (*draft).event.arguments, result);
        let wanted = all.min(u64::from(read.limit)).min(BYTES_MAX as u64);
        let state = if all > u64::from(read.limit) { state::CUT } else { state::WHOLE };
        // Only the first of the reads is made then.
        if read.moment == moment::BEGIN && (&raw const (*draft).early.bytes).read_volatile() != 0 {
            let bytes = (&raw const (*draft).early.read).cast();
            bpf_probe_read_kernel(place.cast(), wanted as u32, bytes);
        } else if wanted != 0 && bpf_probe_read_user(place.cast(), wanted as u32, source as *const c_void) != 0 {
            return state::UNREADABLE;
        }
        (&raw mut (*draft).used).write_volatile(used as u32 + wanted as u32);
        state
    }
}

/// How many bytes there are to read, by what the call was told or tells.
#[inline(always)]
fn wanted(read: &Read, arguments: *const [u64; ARGUMENTS], result: i64) -> u64 {
    match read.length {
        length::ARGUMENT => argument(arguments, read.length_argument),
        length::POINTED => {
            let mut length = 0_u32;
            let source = argument(arguments, read.length_argument) as *const c_void;
            // SAFETY: the helper checks the source, and leaves 0 when it cannot read.
            unsafe { bpf_probe_read_user((&raw mut length).cast(), mem::size_of::<u32>() as u32, source) };
            u64::from(length)
        }
        length::RESULT => result.max(0) as u64,
        _ => u64::from(read.limit),
    }
}

/// An argument by its position.
#[inline(always)]
fn argument(arguments: *const [u64; ARGUMENTS], position: u8) -> u64 {
    let position = hint::black_box(position as usize);
    if position >= ARGUMENTS {
        return 0;
    }
    // SAFETY: the caller's arguments, and the position is one of them.
    unsafe { arguments.cast::<u64>().add(position).read_volatile() }
}
