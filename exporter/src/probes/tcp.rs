//! TCP segments sent again, and resets.

use doubleslit_common::{kind::Kind, probes::tcp};

use super::{Family, Probe, Program, SOCKET_FIELDS, Source, Values};

const FAMILIES: &[Values] = &[["ipv4", "", "", ""], ["ipv6", "", "", ""]];

/// The probe `tcp`.
pub static PROBE: Probe = Probe {
    name: "tcp",
    summary: "TCP segments sent again and resets, by the socket's own cgroup; resets that no socket owns are the host's",
    programs: &[
        Program {
            name: "tcp_retransmit",
            tracepoint: "tcp_retransmit_skb",
            fields: &["SOCK_CGROUP", "CGROUP_KN", "KERNFS_NODE_ID", "SOCK_FAMILY", "SKB_CB", "TCP_CB_GSO_SEGS"],
            arguments: &[],
            kinds: &[Kind::TcpRetransmit],
            each_run_counts: false,
            describes: &[],
        },
        Program {
            name: "tcp_reset_send",
            tracepoint: "tcp_send_reset",
            fields: &["SOCK_CGROUP", "CGROUP_KN", "KERNFS_NODE_ID", "SOCK_FAMILY", "SOCK_STATE", "SOCK_LISTENER"],
            arguments: &[],
            kinds: &[Kind::TcpResetSend],
            each_run_counts: true,
            describes: &[],
        },
        Program {
            name: "tcp_reset_receive",
            tracepoint: "tcp_receive_reset",
            fields: &["SOCK_CGROUP", "CGROUP_KN", "KERNFS_NODE_ID", "SOCK_FAMILY"],
            arguments: &[],
            kinds: &[Kind::TcpResetReceive],
            each_run_counts: true,
            describes: &[],
        },
    ],
    events: &[
        Program {
            name: "tcp_retransmit_event",
            tracepoint: "tcp_retransmit_skb",
            fields: &["SKB_CB", "TCP_CB_GSO_SEGS"],
            arguments: &[],
            kinds: &[Kind::TcpRetransmit],
            each_run_counts: false,
            describes: &[SOCKET_FIELDS],
        },
        Program {
            name: "tcp_reset_receive_event",
            tracepoint: "tcp_receive_reset",
            fields: &[],
            arguments: &[],
            kinds: &[Kind::TcpResetReceive],
            each_run_counts: false,
            describes: &[SOCKET_FIELDS],
        },
    ],
    families: &[
        Family {
            name: "doubleslit_tcp_retransmits",
            help: "TCP segments sent again (segments, not calls; answers to a SYN are not among them)",
            kind: Kind::TcpRetransmit,
            source: Source::Counts,
            labels: &["family"],
            values: family,
            zeros: FAMILIES,
            whole: true,
        },
        Family {
            name: "doubleslit_tcp_resets_sent",
            help: "TCP segments with RST sent",
            kind: Kind::TcpResetSend,
            source: Source::Counts,
            labels: &["family"],
            values: family,
            zeros: FAMILIES,
            whole: true,
        },
        Family {
            name: "doubleslit_tcp_resets_received",
            help: "TCP segments with RST received by a connection",
            kind: Kind::TcpResetReceive,
            source: Source::Counts,
            labels: &["family"],
            values: family,
            zeros: FAMILIES,
            whole: true,
        },
    ],
};

fn family(detail: u32) -> Option<Values> {
    Some([tcp::Family::from_detail(detail).map_or("other", tcp::Family::name), "", "", ""])
}
