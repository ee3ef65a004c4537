//! Successful executions.

use core::{ffi::c_void, mem};

use aya_ebpf::{
    Global,
    helpers::generated::{bpf_probe_read_kernel_str, bpf_probe_read_user},
    macros::{btf_tracepoint, map},
    maps::PerCpuArray,
    programs::BtfTracePointContext,
};
use doubleslit_common::{
    filter::Facts,
    kind::Kind,
    probes::exec::{ARGUMENTS_BYTES, DIRECTORY_BYTES, DIRECTORY_STEPS, Exec, NAME_BYTES, PATH_BYTES},
};

use crate::{
    count, event,
    kernel::{
        binprm::Binprm,
        cgroup,
        directory::{Climb, Step},
        process,
        task::Task,
    },
};

/// How many bytes of arguments a record has at most; 0 for none.
#[unsafe(no_mangle)]
static ARGUMENTS_LIMIT: Global<u32> = Global::new(0);

/// 1 where records have the working directory.
#[unsafe(no_mangle)]
static WORKING_DIRECTORY: Global<u32> = Global::new(0);

/// A record while it is put together: too large for the stack.
#[repr(C)]
struct Draft {
    exec: Exec,
    rest: [u8; DIRECTORY_BYTES + 2 * PATH_BYTES + ARGUMENTS_BYTES],
}

#[map]
static EXEC_DRAFT: PerCpuArray<Draft> = PerCpuArray::with_max_entries(1, 0);

/// `sched_process_exec(task, old_pid, bprm)`: runs only after the new program is in place.
#[btf_tracepoint(function = "sched_process_exec")]
fn exec(_ctx: BtfTracePointContext) -> i32 {
    count::add(cgroup::current_id(), Kind::Exec, 0, 1);
    0
}

/// The same hook, for those who want to know what was executed.
#[btf_tracepoint(function = "sched_process_exec")]
fn exec_event(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is the task, the third the execution.
    let (task, binprm) = unsafe { (Task::new(ctx.arg(0)), Binprm::new(ctx.arg(2))) };
    let facts = Facts { uid: Some(task.uid()), ..Facts::NONE };
    let Some(header) = event::admit(Kind::Exec, cgroup::current_id(), &facts) else { return 0 };
    let Some(draft) = EXEC_DRAFT.get_ptr_mut(0) else { return 0 };
    // SAFETY: `draft` is this CPU's element of the map, used by this program alone. Its rest has room for the working
    // directory, two paths and the arguments one behind the other, none of which is longer than its share; only what was written
    // is sent.
    unsafe {
        let place = &raw mut (*draft).exec;
        (*place).header = header;
        process::describe(task, &raw mut (*place).process);
        let rest = (&raw mut (*draft).rest).cast::<u8>();
        let directory = read_directory(rest, &raw mut (*place).directory_bytes, task);
        let rest = rest.add(directory);
        let path = read_text::<PATH_BYTES>(rest, binprm.filename());
        let interpreter = read_text::<PATH_BYTES>(rest.add(path), binprm.interpreter());
        let (start, total) = task.memory().argument_area();
        let arguments = read_arguments(rest.add(path + interpreter), start, total);
        (*place).path_bytes = path as u32;
        (*place).interpreter_bytes = interpreter as u32;
        (*place).arguments_bytes = arguments as u32;
        (*place).arguments_total = total as u32;
        (*place).arguments_count = binprm.arguments();
        let bytes = mem::size_of::<Exec>() + directory + path + interpreter + arguments;
        event::send_copy(Kind::Exec, header.cgroup, draft.cast(), bytes);
    }
    0
}

/// Reads a text with its final NUL, at most `BYTES`. Returns its length; 0 when it cannot be read.
///
/// # Safety
///
/// `place` has room for it.
#[inline(always)]
unsafe fn read_text<const BYTES: usize>(place: *mut u8, text: *const u8) -> usize {
    // SAFETY: the helper checks the source, the caller vouches for the place.
    let read = unsafe { bpf_probe_read_kernel_str(place.cast(), BYTES as u32, text.cast()) };
    if (1..=BYTES as i64).contains(&read) { read as usize } else { 0 }
}

/// Reads arguments as they lie one behind the other, at most as many bytes as userspace wants. Returns how many.
///
/// # Safety
///
/// `place` has room for [`ARGUMENTS_BYTES`].
#[inline(always)]
unsafe fn read_arguments(place: *mut u8, start: *const c_void, total: u64) -> usize {
    let wanted = total.min(u64::from(ARGUMENTS_LIMIT.load())).min(ARGUMENTS_BYTES as u64);
    if wanted == 0 {
        return 0;
    }
    // SAFETY: the helper checks the source, the caller vouches for the place.
    let failed = unsafe { bpf_probe_read_user(place.cast(), wanted as u32, start) } != 0;
    if failed { 0 } else { wanted as usize }
}

/// Reads the names of the working directory and of those above it, as [`Exec::directory_bytes`] says. Returns their length.
///
/// The length is kept where the verifier does not know it from the step before: so a step is looked at once, not once for all
/// lengths that it may begin with.
///
/// # Safety
///
/// `place` has room for [`DIRECTORY_BYTES`], and `length` is valid.
#[inline(always)]
unsafe fn read_directory(place: *mut u8, length: *mut u32, task: Task) -> usize {
    /// Where the last name may begin; behind it there is room for that of the root.
    const LAST: u32 = (DIRECTORY_BYTES - NAME_BYTES - 1) as u32;
    // SAFETY: the caller vouches for both pointers. The length is at most `LAST` where a name is written.
    unsafe {
        length.write_volatile(0);
        if WORKING_DIRECTORY.load() == 0 {
            return 0;
        }
        let Some(mut climb) = Climb::new(task) else { return 0 };
        for _ in 0..DIRECTORY_STEPS {
            let so_far = length.read_volatile();
            if so_far > LAST {
                break;
            }
            let end = place.add(so_far as usize);
            match climb.step() {
                Step::Out(name) => {
                    let read = read_text::<NAME_BYTES>(end, name);
                    if read == 0 {
                        break;
                    }
                    length.write_volatile(so_far + read as u32);
                }
                Step::Across => {}
                Step::Arrived => {
                    end.write(0);
                    length.write_volatile(so_far + 1);
                    break;
                }
                Step::Lost => break,
            }
        }
        (length.read_volatile() as usize).min(DIRECTORY_BYTES)
    }
}
