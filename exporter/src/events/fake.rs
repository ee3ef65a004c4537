//! Events that no kernel sent.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use doubleslit_common::event::{COMM_BYTES, Namespaces, Process as ProcessRecord};

use super::event::{Details, Event, Exec, Process};
use crate::identity::{
    CgroupId, Identity, Runtime, Scope,
    user_names::{UidMap, UserNames},
};

/// An execution in a container.
pub(crate) fn exec() -> Event {
    let second = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    Event {
        time: second(1_700_000_000) + Duration::from_nanos(123_456_789),
        cgroup: CgroupId(4711),
        cgroup_path: "/docker/7de99b5f7430".into(),
        identity: Arc::new(Identity {
            scope: Scope::Container,
            runtime: Some(Runtime::Docker),
            container_id: "7de99b5f7430".repeat(6)[..64].to_owned(),
            container: "web".to_owned(),
            image: "shop/web:1.4".to_owned(),
            ..Identity::default()
        }),
        users: Some(Arc::new(UserNames::parse(b"root:x:0:0::/root:/bin/sh\n", &UidMap::identity()))),
        weight: 1,
        listeners: 1,
        cpu: 3,
        process: Some(Process {
            record: ProcessRecord {
                pid: 4211,
                tid: 4211,
                vpid: 7,
                parent_pid: 4200,
                namespaces: Namespaces { net: 4_026_531_833, ..Namespaces::default() },
                comm: comm(b"sh"),
                parent_comm: comm(b"containerd-shim"),
                ..ProcessRecord::default()
            },
            started: second(1_699_999_999),
        }),
        details: Details::Exec(Exec {
            path: "/bin/sh".to_owned(),
            arguments: Some(["sh", "-c", "echo hi"].map(str::to_owned).to_vec()),
            count: 3,
            directory: Some("/srv/web".to_owned()),
            ..Exec::default()
        }),
    }
}

/// A task's name as the kernel has it.
pub(super) fn comm(name: &[u8]) -> [u8; COMM_BYTES] {
    std::array::from_fn(|at| name.get(at).copied().unwrap_or_default())
}
