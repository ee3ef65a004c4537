//! Real daemons, real containers, exact loads.
//!
//! The binary `doubleslit-load` does exactly N of one thing ([`load`]). The rest starts what it is measured with: the
//! exporter, a private Docker engine or containerd, an OpenTelemetry collector, the API server of Kubernetes, cgroups, networks; and reads the numbers back. What goes wrong there panics.

pub mod api;
pub mod bare;
pub mod booted;
pub mod bpffs;
pub mod browser;
pub mod cgroup;
pub mod collector;
pub mod containerd;
pub mod dashboard;
pub mod docker;
pub mod documented;
pub mod exporter;
pub mod grafana;
pub mod host_root;
pub mod http;
#[cfg(target_arch = "x86_64")]
pub mod inject;
pub mod kubernetes;
pub mod load;
pub mod markdown;
pub mod memory;
pub mod names;
pub mod network;
pub mod password;
pub mod podman;
pub mod port;
pub mod remote;
pub mod rootfs;
pub mod scrape;
pub mod session_weight;
pub mod shell;
mod stall;
pub mod static_binary;
mod supervisor;
pub mod sys;
pub mod terminal;
pub mod wait;
pub mod watch;
pub mod watchdog;
