//! Children that do nothing for a while.

use std::process::Child;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::{sys, wait};

/// Stops a child. Returns when all of its threads have stopped.
pub(crate) fn stall(child: &Child) {
    sys::send(child.id().cast_signed(), libc::SIGSTOP).expect("the child runs");
    let of_child = WaitId::Pid(Pid::from_child(child));
    wait::until("the child has stopped", || {
        waitid(of_child.clone(), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG).expect("it is a child")
    });
}
