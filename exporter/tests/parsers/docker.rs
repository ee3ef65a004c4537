//! Docker's `config.v2.json`.

use doubleslit::identity::Runtime;

use crate::state;

const ID: &str = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";

/// What must hold whatever the file says.
pub(crate) fn check(bytes: &[u8]) {
    state::check(&format!("docker/containers/{ID}/config.v2.json"), bytes, &format!("/docker/{ID}"), Runtime::Docker);
}
