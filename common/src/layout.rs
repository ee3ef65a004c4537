//! The kernel fields that the programs read, by the symbol that carries each offset.
//!
//! rustc emits no CO-RE relocations, so userspace looks every field up in the running kernel's BTF and writes its offset
//! into the object before it is loaded. Both sides expand this one list.

/// The offset of a field that the running kernel does not have.
pub const ABSENT: u32 = u32::MAX;

/// Calls `$apply!` with every field: symbol, structure, path (members separated by dots) and size in bytes.
#[macro_export]
macro_rules! kernel_fields {
    ($apply:ident) => {
        $apply! {
            TASK_CGROUPS: "task_struct" "cgroups" 8;
            TASK_EXIT_CODE: "task_struct" "exit_code" 4;
            TASK_GROUP_LEADER: "task_struct" "group_leader" 8;
            TASK_PID: "task_struct" "pid" 4;
            TASK_SIGNAL: "task_struct" "signal" 8;
            TASK_TGID: "task_struct" "tgid" 4;
            SIGNAL_FLAGS: "signal_struct" "flags" 4;
            SIGNAL_GROUP_EXIT_CODE: "signal_struct" "group_exit_code" 4;
            CSS_SET_DFL_CGRP: "css_set" "dfl_cgrp" 8;
            CGROUP_KN: "cgroup" "kn" 8;
            CGROUP_ROOT: "cgroup" "root" 8;
            CGROUP_ROOT_HIERARCHY_ID: "cgroup_root" "hierarchy_id" 4;
            KERNFS_NODE_ID: "kernfs_node" "id" 8;
            SIGINFO_CODE: "kernel_siginfo" "si_code" 4;
            SOCK_CGROUP: "sock" "sk_cgrp_data.cgroup" 8;
            SOCK_FAMILY: "sock" "__sk_common.skc_family" 2;
            SOCK_STATE: "sock" "__sk_common.skc_state" 1;
            SOCK_LISTENER: "sock" "__sk_common.skc_listener" 8;
            SOCK_PROTOCOL: "sock" "sk_protocol" 2;
            SKB_CB: "sk_buff" "cb" 48;
            TCP_CB_GSO_SEGS: "tcp_skb_cb" "tcp_gso_segs" 2;
        }
    };
}

/// Calls `$apply!` with every tracepoint argument that only some kernels pass: symbol, tracepoint, position.
///
/// The symbol is 1 where the argument exists.
#[macro_export]
macro_rules! optional_arguments {
    ($apply:ident) => {
        $apply! {
            HAS_GROUP_DEAD: "sched_process_exit" 1;
            HAS_RETRANSMIT_ERROR: "tcp_retransmit_skb" 2;
            HAS_OOM_VICTIM: "mark_victim" 1;
        }
    };
}
