//! What may be written for the values of a field.

use doubleslit_common::probes::{
    signal::{SIGNAL_MAX, SignalResult},
    socket_state::{Protocol, state},
    tcp::Family,
};

use crate::{
    events::{fields::Field, signals},
    lives::Reason,
    probes::signal,
};

/// The numbers of sockets' states.
pub(super) const STATES: std::ops::Range<u32> = 1..14;

/// What the values of a field are like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// Any text.
    Text,
    /// Several texts, one of which is enough.
    Texts,
    /// A whole number.
    Number,
    /// A number that need not be whole.
    Decimal,
    /// Yes or no.
    Flag,
    /// An IP address.
    Address,
    /// A signal, by name or number.
    Signal,
    /// One of these names.
    Names(fn() -> Vec<&'static str>),
    /// What only the event tells: that of pairs, one of which is enough, or of one of them.
    Any,
}

/// The form of every field whose values are not any text.
const FORMS: &[(Form, &[&str])] = &[
    (
        Form::Number,
        &[
            // Of every event.
            "cgroup_id",
            "cpu",
            "weight",
            // Of processes.
            "pid",
            "tid",
            "vpid",
            "parent_pid",
            "session",
            "group",
            "real_uid",
            "uid",
            "saved_uid",
            "real_gid",
            "gid",
            "net_ns",
            "ipc_ns",
            "uts_ns",
            "mnt_ns",
            "pid_ns",
            "user_ns",
            "cgroup_ns",
            "time_ns",
            "args_count",
            "exit_code",
            "exit_signal_number",
            // Of victims of the OOM killer.
            "total_memory",
            "anonymous_memory",
            "file_memory",
            "shared_memory",
            "page_tables",
            "oom_score_adj",
            // Of signals.
            "signal_number",
            "code_number",
            "signal_errno",
            "handler",
            "flags_number",
            "sender_pid",
            "sender_tid",
            "sender_uid",
            "sender_cgroup_id",
            // Of sockets.
            "local_port",
            "peer_port",
            "client_port",
            "server_port",
            "segments",
            "socket_cookie",
            // Of system calls.
            "syscall_number",
            "return_value",
        ],
    ),
    (Form::Decimal, &["lifetime", "container_lifetime", "duration"]),
    (Form::Flag, &["tty", "args_cut", "core_dumped", "oom_killed", "to_process", "sender_kernel"]),
    (Form::Texts, &["args", "fields_cut", "fields_unread", "arguments_cut", "arguments_unreadable"]),
    (Form::Any, &["fields", "common_fields", "arguments", "argument_types"]),
    (Form::Address, &["local_address", "peer_address", "client_address", "server_address"]),
    (Form::Signal, &["signal", "exit_signal"]),
    (Form::Names(results), &["result"]),
    (Form::Names(reasons), &["stop_reason"]),
    (Form::Names(protocols), &["protocol"]),
    (Form::Names(families), &["family"]),
    (Form::Names(states), &["old_state", "new_state"]),
    (Form::Names(kernel_states), &["old_kernel_state", "new_kernel_state"]),
    (Form::Names(flags), &["flags"]),
];

fn results() -> Vec<&'static str> {
    SignalResult::ALL.map(SignalResult::name).to_vec()
}

fn reasons() -> Vec<&'static str> {
    Reason::ALL.map(Reason::name).to_vec()
}

fn protocols() -> Vec<&'static str> {
    Protocol::ALL.map(Protocol::name).to_vec()
}

fn families() -> Vec<&'static str> {
    Family::ALL.map(Family::name).to_vec()
}

fn states() -> Vec<&'static str> {
    let mut names: Vec<_> = STATES.map(state::name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn kernel_states() -> Vec<&'static str> {
    STATES.map(state::kernel_name).collect()
}

fn flags() -> Vec<&'static str> {
    signals::flags().collect()
}

/// The fields that only the owner decides, so that they can be tested before anything happens.
pub(super) const OF_OWNER: &[&str] = &[
    "container_id",
    "container",
    "runtime",
    "image",
    "image_id",
    "pod",
    "pod_uid",
    "namespace",
    "unit",
    "cgroup",
    "cgroup_id",
];

/// What may be written for a field.
pub(super) fn form(field: &Field) -> Form {
    let found = FORMS.iter().find(|(_, names)| names.contains(&field.name));
    found.map_or(Form::Text, |(form, _)| *form)
}

/// Whether only the owner decides a field.
pub(super) fn is_of_owner(field: &Field) -> bool {
    OF_OWNER.contains(&field.name)
}

/// The signals' names, from signal 1 on.
pub(super) fn signals() -> impl Iterator<Item = (u32, &'static str)> {
    (1..=SIGNAL_MAX).map(|number| (number, signal::name(number)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::events::fields;

    #[test]
    fn a_field_has_one_form() {
        let names: Vec<_> = FORMS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let known = |name: &&str| fields::all().any(|field| field.name == *name);
        let unknown: Vec<_> = names.iter().chain(OF_OWNER).filter(|name| !known(name)).collect();
        assert!(unknown.is_empty(), "no field: {unknown:?}");
    }
}
