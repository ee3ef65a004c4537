//! Podman's list of containers.

use doubleslit::identity::Runtime;

use crate::state;

const FILE: &str = "lib/containers/storage/overlay-containers/containers.json";
const ID: &str = "90183cb70be7c78fd480b77cd09469deb534a530d404423be7ea76f3d5f3043c";

/// What must hold whatever the file says.
pub(crate) fn check(bytes: &[u8]) {
    state::check(FILE, bytes, &format!("/libpod_parent/libpod-{ID}"), Runtime::Podman);
}
