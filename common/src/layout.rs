//! The kernel fields that the programs read, by the symbol that carries each offset.
//!
//! rustc emits no CO-RE relocations, so userspace looks every field up in the running kernel's BTF and writes its offset
//! into the object before it is loaded. Both sides expand this one list.

/// The offset of a field that the running kernel does not have.
pub const ABSENT: u32 = u32::MAX;

/// Calls `$apply!` with every field: symbol, structure, path (members separated by dots) and size in bytes, 0 where
/// any will do.
#[macro_export]
macro_rules! kernel_fields {
    ($apply:ident) => {
        $apply! {
            TASK_CGROUPS: "task_struct" "cgroups" 8;
            TASK_COMM: "task_struct" "comm" 16;
            TASK_COMPAT_FLAGS: "task_struct" "thread_info.flags" 8;
            TASK_COMPAT_STATUS: "task_struct" "thread_info.status" 4;
            TASK_CRED: "task_struct" "cred" 8;
            TASK_EXIT_CODE: "task_struct" "exit_code" 4;
            TASK_FS: "task_struct" "fs" 8;
            TASK_GROUP_LEADER: "task_struct" "group_leader" 8;
            TASK_MM: "task_struct" "mm" 8;
            TASK_NSPROXY: "task_struct" "nsproxy" 8;
            TASK_PID: "task_struct" "pid" 4;
            TASK_REAL_PARENT: "task_struct" "real_parent" 8;
            TASK_SIGNAL: "task_struct" "signal" 8;
            TASK_START_BOOTTIME: "task_struct" "start_boottime" 8;
            TASK_TGID: "task_struct" "tgid" 4;
            TASK_THREAD_PID: "task_struct" "thread_pid" 8;
            SIGNAL_FLAGS: "signal_struct" "flags" 4;
            SIGNAL_GROUP_EXIT_CODE: "signal_struct" "group_exit_code" 4;
            SIGNAL_OOM_MM: "signal_struct" "oom_mm" 8;
            SIGNAL_OOM_SCORE_ADJ: "signal_struct" "oom_score_adj" 2;
            SIGNAL_PIDS: "signal_struct" "pids" 32;
            SIGNAL_TTY: "signal_struct" "tty" 8;
            CRED_UID: "cred" "uid" 4;
            CRED_GID: "cred" "gid" 4;
            CRED_SUID: "cred" "suid" 4;
            CRED_EUID: "cred" "euid" 4;
            CRED_EGID: "cred" "egid" 4;
            CRED_USER_NS: "cred" "user_ns" 8;
            PID_LEVEL: "pid" "level" 4;
            PID_NUMBERS: "pid" "numbers" 0;
            UPID_NR: "upid" "nr" 4;
            UPID_NS: "upid" "ns" 8;
            NSPROXY_UTS: "nsproxy" "uts_ns" 8;
            NSPROXY_IPC: "nsproxy" "ipc_ns" 8;
            NSPROXY_MNT: "nsproxy" "mnt_ns" 8;
            NSPROXY_NET: "nsproxy" "net_ns" 8;
            NSPROXY_TIME: "nsproxy" "time_ns" 8;
            NSPROXY_CGROUP: "nsproxy" "cgroup_ns" 8;
            UTS_NS_INUM: "uts_namespace" "ns.inum" 4;
            IPC_NS_INUM: "ipc_namespace" "ns.inum" 4;
            MNT_NS_INUM: "mnt_namespace" "ns.inum" 4;
            NET_NS_INUM: "net" "ns.inum" 4;
            PID_NS_INUM: "pid_namespace" "ns.inum" 4;
            USER_NS_INUM: "user_namespace" "ns.inum" 4;
            CGROUP_NS_INUM: "cgroup_namespace" "ns.inum" 4;
            TIME_NS_INUM: "time_namespace" "ns.inum" 4;
            MM_ARG_START: "mm_struct" "arg_start" 8;
            MM_ARG_END: "mm_struct" "arg_end" 8;
            MM_EXE_FILE: "mm_struct" "exe_file" 8;
            MM_SAVED_AUXV: "mm_struct" "saved_auxv" 0;
            FILE_DENTRY: "file" "f_path.dentry" 8;
            DENTRY_NAME: "dentry" "d_name.name" 8;
            DENTRY_PARENT: "dentry" "d_parent" 8;
            FS_PWD_DENTRY: "fs_struct" "pwd.dentry" 8;
            FS_PWD_MNT: "fs_struct" "pwd.mnt" 8;
            FS_ROOT_DENTRY: "fs_struct" "root.dentry" 8;
            FS_ROOT_MNT: "fs_struct" "root.mnt" 8;
            MOUNT_MNT: "mount" "mnt" 0;
            MOUNT_MOUNTPOINT: "mount" "mnt_mountpoint" 8;
            MOUNT_PARENT: "mount" "mnt_parent" 8;
            VFSMOUNT_ROOT: "vfsmount" "mnt_root" 8;
            MM_TOTAL_VM: "mm_struct" "total_vm" 8;
            MM_PGTABLES_BYTES: "mm_struct" "pgtables_bytes" 8;
            MM_RSS_STAT: "mm_struct" "rss_stat" 160;
            PERCPU_COUNTER_COUNT: "percpu_counter" "count" 8;
            BINPRM_FILENAME: "linux_binprm" "filename" 8;
            BINPRM_INTERP: "linux_binprm" "interp" 8;
            BINPRM_ARGC: "linux_binprm" "argc" 4;
            CSS_SET_DFL_CGRP: "css_set" "dfl_cgrp" 8;
            CGROUP_KN: "cgroup" "kn" 8;
            CGROUP_ROOT: "cgroup" "root" 8;
            CGROUP_ROOT_HIERARCHY_ID: "cgroup_root" "hierarchy_id" 4;
            KERNFS_NODE_ID: "kernfs_node" "id" 8;
            PT_REGS_ORIG_AX: "pt_regs" "orig_ax" 8;
            PT_REGS_SYSCALLNO: "pt_regs" "syscallno" 4;
            PT_REGS_DI: "pt_regs" "di" 8;
            PT_REGS_SI: "pt_regs" "si" 8;
            PT_REGS_DX: "pt_regs" "dx" 8;
            PT_REGS_R10: "pt_regs" "r10" 8;
            PT_REGS_R8: "pt_regs" "r8" 8;
            PT_REGS_R9: "pt_regs" "r9" 8;
            PT_REGS_BX: "pt_regs" "bx" 8;
            PT_REGS_CX: "pt_regs" "cx" 8;
            PT_REGS_BP: "pt_regs" "bp" 8;
            PT_REGS_ORIG_X0: "pt_regs" "orig_x0" 8;
            PT_REGS_REGS: "pt_regs" "regs" 248;
            SIGINFO_CODE: "kernel_siginfo" "si_code" 4;
            SIGINFO_ERRNO: "kernel_siginfo" "si_errno" 4;
            SIGACTION_HANDLER: "k_sigaction" "sa.sa_handler" 8;
            SIGACTION_FLAGS: "k_sigaction" "sa.sa_flags" 8;
            SOCK_CGROUP: "sock" "sk_cgrp_data.cgroup" 8;
            SOCK_FAMILY: "sock" "__sk_common.skc_family" 2;
            SOCK_STATE: "sock" "__sk_common.skc_state" 1;
            SOCK_LISTENER: "sock" "__sk_common.skc_listener" 8;
            SOCK_NET: "sock" "__sk_common.skc_net.net" 8;
            SOCK_PEER_IPV4: "sock" "__sk_common.skc_daddr" 4;
            SOCK_LOCAL_IPV4: "sock" "__sk_common.skc_rcv_saddr" 4;
            SOCK_PEER_IPV6: "sock" "__sk_common.skc_v6_daddr" 16;
            SOCK_LOCAL_IPV6: "sock" "__sk_common.skc_v6_rcv_saddr" 16;
            SOCK_PEER_PORT: "sock" "__sk_common.skc_dport" 2;
            INET_SOCK_LOCAL_PORT: "inet_sock" "inet_sport" 2;
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
