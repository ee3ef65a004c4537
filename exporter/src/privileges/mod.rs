//! What the exporter takes from itself when everything is opened, loaded and attached: capabilities, new privileges, files,
//! and system calls. docs/security.md tells what is left.

pub mod capabilities;
mod landlock;
mod needs;
mod seccomp;

use std::{io, os::fd::RawFd};

use rustix::{
    process::{getgid, getuid},
    thread::{CapabilitySet, capabilities as held, set_keep_capabilities, set_no_new_privs},
};
use tracing::{info, warn};

pub use self::needs::Needs;
use crate::{config::Privileges, others::helper};

/// What is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Capabilities that are not needed any more.
    Capabilities,
    /// To get more of them by executing a program.
    NoNewPrivs,
    /// Files and ports that are not needed, and other processes.
    Landlock,
    /// System calls that are not needed.
    Seccomp,
    /// To look at other processes, which a helper does instead.
    Helper,
}

impl Layer {
    /// The value of the `layer` label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capabilities => "capabilities",
            Self::NoNewPrivs => "no_new_privs",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::Helper => "helper",
        }
    }
}

/// What became of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there, in the form that the text tells.
    Active(String),
    /// It is not wanted or not needed.
    Off,
    /// It is wanted and cannot be had, for this reason.
    Unavailable(String),
}

impl State {
    /// The value of the `state` label.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Active(_) => "active",
            Self::Off => "off",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// In which form it is there, or why it is not.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Active(detail) | Self::Unavailable(detail) => detail,
            Self::Off => "",
        }
    }
}

/// What became of each layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox(pub Vec<(Layer, State)>);

impl Sandbox {
    /// The same, where the helper is there or is not there any more.
    #[must_use]
    pub fn with_helper(mut self, is_there: bool) -> Self {
        for (layer, state) in &mut self.0 {
            if *layer == Layer::Helper && matches!(state, State::Active(_)) && !is_there {
                *state = State::Unavailable("it has ended".to_owned());
            }
        }
        self
    }

    /// Takes a layer away, if that is wanted, and remembers what became of it.
    pub fn add(&mut self, layer: Layer, wanted: bool, take: impl FnOnce() -> Result<String, String>) {
        let state = if !wanted {
            State::Off
        } else {
            match take() {
                Ok(detail) => State::Active(detail),
                Err(reason) => {
                    warn!(
                        layer = layer.name(),
                        reason, "this layer of the sandbox is not there; the exporter goes on without it"
                    );
                    State::Unavailable(reason)
                }
            }
        };
        self.0.push((layer, state));
    }
}

/// Takes from this thread, and from all that it makes, what is not needed from now on. To be called while there is one thread.
pub fn restrict(wanted: Privileges, needs: &Needs<'_>, sandbox: &mut Sandbox) {
    let Privileges { drop, landlock, seccomp } = wanted;
    let text = |error: io::Error| error.to_string();
    sandbox.add(Layer::NoNewPrivs, drop || landlock || seccomp, || {
        set_no_new_privs(true).map(|()| String::new()).map_err(|error| text(error.into()))
    });
    sandbox.add(Layer::Landlock, landlock, || self::landlock::restrict(needs));
    sandbox.add(Layer::Capabilities, drop, || capabilities::keep(needs.capabilities()).map_err(text));
    sandbox.add(Layer::Seccomp, seccomp, || {
        let calls = seccomp::exporter(needs);
        seccomp::install(&calls).map(|()| format!("{} calls", calls.len())).map_err(text)
    });
    let detail = |layer| sandbox.0.iter().find(|(it, _)| *it == layer).map_or("", |(_, state)| state.detail());
    let [capabilities, landlock, seccomp] = [Layer::Capabilities, Layer::Landlock, Layer::Seccomp].map(detail);
    if wanted.any() {
        info!(capabilities, landlock, seccomp, "restricted to what is still needed");
    }
}

/// The user who owns nothing.
const NOBODY: u32 = 65534;

/// What the helper does to itself.
pub const HELPER: helper::Restrict = helper::Restrict { process: restrict_helper, thread: restrict_helpers_thread };

/// Leaves the helper what it takes to look at other processes, as nobody's user: it then opens what everybody may open.
fn restrict_helper() -> io::Result<()> {
    let held = held(None)?.effective;
    let needed = CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::SYS_PTRACE;
    if getuid().is_root() && held.contains(needed) {
        become_nobody()?;
    }
    set_no_new_privs(true)?;
    capabilities::keep(held & CapabilitySet::SYS_PTRACE).map(drop)
}

fn become_nobody() -> io::Result<()> {
    use rustix::{
        process::{Gid, Uid},
        thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
    };
    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    // While it may: they cannot be taken out of this set later.
    capabilities::bound(CapabilitySet::SYS_PTRACE)?;
    set_keep_capabilities(true)?;
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    if (getuid(), getgid()) == (uid, gid) { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

fn restrict_helpers_thread(socket: Option<RawFd>) -> io::Result<()> {
    match seccomp::install(&seccomp::helper(socket)) {
        // As for the exporter: without seccomp the rest has to do.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        done => done,
    }
}
