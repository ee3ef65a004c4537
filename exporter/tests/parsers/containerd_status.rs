//! What containerd's CRI plugin writes of a container that it started.

use std::time::Instant;

use crate::state;

const ID: &str = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";
const CONFIGURATION: &[u8] = include_bytes!(
    "../fixtures/identity/run/containerd/io.containerd.runtime.v2.task/k8s.io/43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35/config.json"
);

/// What must hold whatever the file says.
pub(crate) fn check(bytes: &[u8]) {
    let configuration = format!("run/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}/config.json");
    let status = format!("lib/containerd/io.containerd.grpc.v1.cri/containers/{ID}/status");
    let path = format!("/k8s.io/{ID}");
    let resolved = state::machine(&[(&configuration, CONFIGURATION), (&status, bytes)]).resolve(&path, Instant::now());
    state::assert_sound(&resolved, &path);
    assert!(!resolved.merged.identity.image.is_empty(), "the other file tells of it whatever this one says");
}
