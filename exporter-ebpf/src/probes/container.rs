//! The life of cgroups. Userspace tells from the path which of them is a container's own.

use core::ffi::c_void;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use doubleslit_common::{kind::Kind, notice::Change};

use crate::{count, kernel::cgroup::Cgroup, notice};

/// `cgroup_mkdir(cgrp, path)`: runs before anybody can enter the cgroup.
#[btf_tracepoint(function = "cgroup_mkdir")]
fn cgroup_mkdir(ctx: BtfTracePointContext) -> i32 {
    tell(&ctx, Change::Created, Some(Kind::ContainerStart));
    0
}

/// `cgroup_rmdir(cgrp, path)`: runs when the last process has left.
#[btf_tracepoint(function = "cgroup_rmdir")]
fn cgroup_rmdir(ctx: BtfTracePointContext) -> i32 {
    tell(&ctx, Change::Removed, Some(Kind::ContainerStop));
    0
}

/// `cgroup_release(cgrp, path)`: runs when nothing, no socket either, belongs to the cgroup any more.
#[btf_tracepoint(function = "cgroup_release")]
fn cgroup_release(ctx: BtfTracePointContext) -> i32 {
    tell(&ctx, Change::Released, None);
    0
}

#[inline(always)]
fn tell(ctx: &BtfTracePointContext, change: Change, kind: Option<Kind>) {
    let cgroup = Cgroup(ctx.arg::<*const c_void>(0));
    // SAFETY: the first argument is the cgroup.
    if !unsafe { cgroup.is_v2() } {
        return;
    }
    // SAFETY: as above.
    let id = unsafe { cgroup.id() };
    if let Some(kind) = kind {
        count::add(id, kind, 0, 1);
    }
    notice::submit(id, change, ctx.arg(1));
}
