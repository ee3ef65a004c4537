//! What a record tells of a process.

use core::ffi::c_void;

use aya_ebpf::Global;
use doubleslit_common::event::{Namespaces, Process};

use super::{
    field::{
        self, CGROUP_NS_INUM, CRED_EGID, CRED_EUID, CRED_GID, CRED_SUID, CRED_UID, CRED_USER_NS, IPC_NS_INUM,
        MNT_NS_INUM, NET_NS_INUM, NSPROXY_CGROUP, NSPROXY_IPC, NSPROXY_MNT, NSPROXY_NET, NSPROXY_TIME, NSPROXY_UTS,
        PID_LEVEL, PID_NS_INUM, PID_NUMBERS, SIGNAL_PIDS, SIGNAL_TTY, TASK_COMM, TASK_CRED, TASK_GROUP_LEADER,
        TASK_NSPROXY, TASK_PID, TASK_REAL_PARENT, TASK_SIGNAL, TASK_START_BOOTTIME, TASK_TGID, TASK_THREAD_PID,
        TIME_NS_INUM, UPID_NR, UPID_NS, USER_NS_INUM, UTS_NS_INUM,
    },
    task::Task,
};

/// `PIDTYPE_PGID` and `PIDTYPE_SID` (include/linux/pid_types.h): where `signal_struct.pids` has them.
const GROUP: usize = 2;
const SESSION: usize = 3;
/// Size of `struct upid` (include/linux/pid.h): a number and a pointer.
const UPID_BYTES: usize = 16;

/// The exporter's own process: its id in its PID namespace, and that namespace's inode number.
#[unsafe(no_mangle)]
static OWN_PID: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static OWN_PID_NAMESPACE: Global<u32> = Global::new(0);

/// Whether a task is one of the exporter's own.
#[inline(always)]
pub fn is_own(task: Task) -> bool {
    // SAFETY: each pointer is loaded, typed, from the task, which the verifier knows.
    let (id, namespace) = unsafe {
        let leader = field::load::<*const c_void>(task.pointer(), &TASK_GROUP_LEADER);
        innermost(field::load(leader, &TASK_THREAD_PID))
    };
    id == OWN_PID.load() && namespace == OWN_PID_NAMESPACE.load()
}

/// Writes what there is to tell of a task's process.
///
/// # Safety
///
/// `place` is valid for writes.
#[inline(always)]
pub unsafe fn describe(task: Task, place: *mut Process) {
    let task = task.pointer();
    // SAFETY: each pointer is loaded, typed, from the task, which the verifier knows; the kernel turns a fault into 0. The
    // caller vouches for `place`, every field of which is written.
    unsafe {
        let leader = field::load::<*const c_void>(task, &TASK_GROUP_LEADER);
        let parent = field::load::<*const c_void>(task, &TASK_REAL_PARENT);
        let signal = field::load::<*const c_void>(task, &TASK_SIGNAL);
        let cred = field::load::<*const c_void>(task, &TASK_CRED);
        let (vpid, pid_namespace) = innermost(field::load(leader, &TASK_THREAD_PID));
        (*place).start_boot_ns = field::load(leader, &TASK_START_BOOTTIME);
        (*place).pid = field::load(task, &TASK_TGID);
        (*place).tid = field::load(task, &TASK_PID);
        (*place).vpid = vpid;
        (*place).parent_pid = field::load(parent, &TASK_TGID);
        (*place).session = leader_of(signal, SESSION);
        (*place).group = leader_of(signal, GROUP);
        (*place).real_uid = field::load(cred, &CRED_UID);
        (*place).uid = field::load(cred, &CRED_EUID);
        (*place).saved_uid = field::load(cred, &CRED_SUID);
        (*place).real_gid = field::load(cred, &CRED_GID);
        (*place).gid = field::load(cred, &CRED_EGID);
        (*place).has_tty = u32::from(!field::load::<*const c_void>(signal, &SIGNAL_TTY).is_null());
        (*place).comm = field::probe(task, &TASK_COMM).unwrap_or_default();
        let parent_leader = field::load::<*const c_void>(parent, &TASK_GROUP_LEADER);
        (*place).parent_comm = field::probe(parent_leader, &TASK_COMM).unwrap_or_default();
        (*place).namespaces = namespaces(
            field::load(task, &TASK_NSPROXY),
            pid_namespace,
            field::load(field::load(cred, &CRED_USER_NS), &USER_NS_INUM),
        );
    }
}

/// The namespaces of a task, which has no `nsproxy` any more when it is about to end.
///
/// # Safety
///
/// `proxy` is the typed `nsproxy` of a task.
#[inline(always)]
unsafe fn namespaces(proxy: *const c_void, pid: u32, user: u32) -> Namespaces {
    // SAFETY: each pointer is loaded, typed, from the one before; the caller vouches for the first.
    unsafe {
        Namespaces {
            net: field::load(field::load(proxy, &NSPROXY_NET), &NET_NS_INUM),
            ipc: field::load(field::load(proxy, &NSPROXY_IPC), &IPC_NS_INUM),
            uts: field::load(field::load(proxy, &NSPROXY_UTS), &UTS_NS_INUM),
            mnt: field::load(field::load(proxy, &NSPROXY_MNT), &MNT_NS_INUM),
            pid,
            user,
            cgroup: field::load(field::load(proxy, &NSPROXY_CGROUP), &CGROUP_NS_INUM),
            time: field::load(field::load(proxy, &NSPROXY_TIME), &TIME_NS_INUM),
        }
    }
}

/// The number of a `struct pid` in its innermost namespace, and that namespace's inode number.
///
/// # Safety
///
/// `pid` is a typed pointer.
#[inline(always)]
unsafe fn innermost(pid: *const c_void) -> (u32, u32) {
    // SAFETY: the caller vouches for the pointer.
    let level = unsafe { field::load::<u32>(pid, &PID_LEVEL) } as usize;
    let number = pid.wrapping_byte_add(PID_NUMBERS.load() as usize + level * UPID_BYTES);
    let namespace = field::probe::<*const c_void>(number, &UPID_NS);
    let inode = namespace.and_then(|namespace| field::probe(namespace, &PID_NS_INUM));
    (field::probe(number, &UPID_NR).unwrap_or(0), inode.unwrap_or(0))
}

/// The leader of a process's session or group, by its id in the first PID namespace.
#[inline(always)]
fn leader_of(signal: *const c_void, which: usize) -> u32 {
    let pid = field::probe::<*const c_void>(signal.wrapping_byte_add(which * size_of::<*const c_void>()), &SIGNAL_PIDS);
    let number = pid.map(|pid| pid.wrapping_byte_add(PID_NUMBERS.load() as usize));
    number.and_then(|number| field::probe(number, &UPID_NR)).unwrap_or(0)
}
