//! The OCI configuration that containerd and CRI-O write.

use doubleslit::identity::Runtime;

use crate::state;

const ID: &str = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";
const POD: &str = "/kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice";

/// What must hold whatever the file says.
pub(crate) fn check(bytes: &[u8]) {
    let file = format!("run/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}/config.json");
    state::check(&file, bytes, &format!("{POD}/cri-containerd-{ID}.scope"), Runtime::Containerd);
    let file = format!("run/containers/storage/overlay-containers/{ID}/userdata/config.json");
    state::check(&file, bytes, &format!("{POD}/crio-{ID}.scope"), Runtime::CriO);
}
