//! `struct cgroup` (include/linux/cgroup-defs.h).

use core::ffi::c_void;

use aya_ebpf::helpers::bpf_get_current_cgroup_id;

use super::field::{self, CGROUP_KN, CGROUP_ROOT, CGROUP_ROOT_HIERARCHY_ID, KERNFS_NODE_ID};

/// The id of the current task's cgroup: of the owner where the current task is the owner. It touches less memory than the
/// way by the task's fields, which tells right after an execution, when little is cached.
#[inline(always)]
pub fn current_id() -> u64 {
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_get_current_cgroup_id() }
}

/// A cgroup.
#[derive(Clone, Copy)]
pub struct Cgroup(pub *const c_void);

impl Cgroup {
    /// The id: the inode number of its directory. 0 stands for no cgroup.
    ///
    /// # Safety
    ///
    /// The verifier knows the pointer as a cgroup.
    #[inline(always)]
    pub unsafe fn id(self) -> u64 {
        // SAFETY: the caller vouches for the cgroup; its node is a typed pointer loaded from it.
        unsafe { field::load(field::load(self.0, &CGROUP_KN), &KERNFS_NODE_ID) }
    }

    /// The id of a cgroup that may not be there.
    #[inline(always)]
    pub fn probe_id(self) -> Option<u64> {
        field::probe(field::probe(self.0, &CGROUP_KN)?, &KERNFS_NODE_ID)
    }

    /// Whether it belongs to the v2 hierarchy, which has the number 0 (`cgrp_dfl_root`, kernel/cgroup/cgroup.c).
    ///
    /// # Safety
    ///
    /// The verifier knows the pointer as a cgroup.
    #[inline(always)]
    pub unsafe fn is_v2(self) -> bool {
        // SAFETY: the caller vouches for the cgroup; its root is a typed pointer loaded from it.
        unsafe { field::load::<u32>(field::load(self.0, &CGROUP_ROOT), &CGROUP_ROOT_HIERARCHY_ID) == 0 }
    }
}
