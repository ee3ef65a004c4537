//! The life of cgroups. Userspace tells from the path which of them is a container's own.

use core::ffi::c_void;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{kind::Kind, notice::Change};

use crate::{count, kernel::cgroup::Cgroup, notice};

/// `cgroup_mkdir(cgrp, path)`: runs before anybody can enter the cgroup.
#[btf_tracepoint(function = "cgroup_mkdir")]
fn cgroup_mkdir(ctx: BtfTracePointContext) -> i32 {
    if let Some(id) = v2_cgroup(&ctx) {
        count::add(id, Kind::ContainerStart, 0, 1);
        notice::tell(id, Change::Created, ctx.arg(1));
    }
    0
}

/// `cgroup_rmdir(cgrp, path)`: runs when the last process has left.
#[btf_tracepoint(function = "cgroup_rmdir")]
fn cgroup_rmdir(ctx: BtfTracePointContext) -> i32 {
    if let Some(id) = v2_cgroup(&ctx) {
        count::add(id, Kind::ContainerStop, 0, 1);
        notice::tell(id, Change::Removed, ctx.arg(1));
    }
    0
}

/// `cgroup_release(cgrp, path)`: runs when nothing, no socket either, refers to the cgroup any more.
#[btf_tracepoint(function = "cgroup_release")]
fn cgroup_release(ctx: BtfTracePointContext) -> i32 {
    if let Some(id) = v2_cgroup(&ctx) {
        notice::tell(id, Change::Released, ctx.arg(1));
    }
    0
}

/// The id of the cgroup that the hook is about, if it belongs to the v2 hierarchy.
#[inline(always)]
fn v2_cgroup(ctx: &BtfTracePointContext) -> Option<u64> {
    let cgroup = Cgroup(ctx.arg::<*const c_void>(0));
    // SAFETY: the first argument is the cgroup.
    unsafe { cgroup.is_v2().then(|| cgroup.id()) }
}
