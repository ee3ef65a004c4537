//! Fields of the process that an event is about.

use super::{Field, OF_PROCESSES, Value, WITH_NAMESPACES};
use crate::{
    events::{
        event::{Event, Process},
        text::terminated,
    },
    namespaces::Type,
};

fn process(event: &Event) -> Option<&Process> {
    event.process.as_ref()
}

/// A number of the process, by its path in the record.
macro_rules! number {
    ($name:literal, $attribute:literal, $help:literal, $($path:ident).+) => {
        Field {
            name: $name,
            attribute: $attribute,
            help: $help,
            kinds: OF_PROCESSES,
            value: |event| Value::number(process(event)?.record.$($path).+),
        }
    };
}

/// What the event's owner calls a user of the process.
macro_rules! user {
    ($name:literal, $attribute:literal, $help:literal, $id:ident) => {
        Field {
            name: $name,
            attribute: $attribute,
            help: $help,
            kinds: OF_PROCESSES,
            value: |event| Value::text(event.users.as_ref()?.get(process(event)?.record.$id)?),
        }
    };
}

/// The inode number of a namespace.
macro_rules! namespace {
    ($name:literal, $attribute:literal, $help:literal, $type:ident) => {
        Field {
            name: $name,
            attribute: $attribute,
            help: $help,
            kinds: WITH_NAMESPACES,
            value: |event| event.namespace(Type::$type).and_then(Value::number),
        }
    };
}

/// The fields.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "pid",
        attribute: "process.pid",
        help: "Id of the process; of a container's first process where it starts",
        kinds: WITH_NAMESPACES,
        value: |event| Value::number(event.pid()?),
    },
    number!("tid", "doubleslit.thread.id", "Id of the thread", tid),
    number!("vpid", "process.vpid", "Id of the process in its own PID namespace", vpid),
    number!("parent_pid", "process.parent_pid", "Id of the parent process", parent_pid),
    Field {
        name: "parent_comm",
        attribute: "doubleslit.process.parent.comm",
        help: "Name of the parent process",
        kinds: OF_PROCESSES,
        value: |event| Value::made(terminated(&process(event)?.record.parent_comm)),
    },
    Field {
        name: "started",
        attribute: "process.creation.time",
        help: "When the process began",
        kinds: OF_PROCESSES,
        value: |event| Value::time(process(event)?.started),
    },
    number!("session", "process.session_leader.pid", "Id of the leader of the session", session),
    number!("group", "process.group_leader.pid", "Id of the leader of the process group", group),
    number!("real_uid", "process.real_user.id", "Real user", real_uid),
    user!("real_user", "process.real_user.name", "Name of the real user, by the owner's own `/etc/passwd`", real_uid),
    number!("uid", "process.user.id", "Effective user", uid),
    user!("user", "process.user.name", "Name of the effective user, likewise", uid),
    number!("saved_uid", "process.saved_user.id", "Saved user", saved_uid),
    number!("real_gid", "doubleslit.process.real_group.id", "Real group", real_gid),
    number!("gid", "doubleslit.process.group.id", "Effective group", gid),
    Field {
        name: "tty",
        attribute: "process.interactive",
        help: "Whether it has a controlling terminal",
        kinds: OF_PROCESSES,
        value: |event| Value::flag(process(event)?.record.has_tty != 0),
    },
    Field {
        name: "comm",
        attribute: "doubleslit.process.comm",
        help: "Name of the thread, at most 15 bytes",
        kinds: OF_PROCESSES,
        value: |event| Value::made(terminated(&process(event)?.record.comm)),
    },
    namespace!("ipc_ns", "doubleslit.namespace.ipc", "IPC namespace", Ipc),
    namespace!("uts_ns", "doubleslit.namespace.uts", "UTS namespace", Uts),
    namespace!("mnt_ns", "doubleslit.namespace.mnt", "Mount namespace", Mnt),
    namespace!("pid_ns", "doubleslit.namespace.pid", "PID namespace", Pid),
    namespace!("user_ns", "doubleslit.namespace.user", "User namespace", User),
    namespace!("cgroup_ns", "doubleslit.namespace.cgroup", "Cgroup namespace", Cgroup),
    namespace!("time_ns", "doubleslit.namespace.time", "Time namespace", Time),
];
