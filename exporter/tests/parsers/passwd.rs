//! The list of the machine's users, who have containers of their own.

use std::time::Instant;

use crate::state;

const ID: &str = "3c39423b07ccb546fa3f653b95b265682f7f242545ce7d24b15ac9770e69417d";
const LIST: &str = "home/ann/.local/share/containers/storage/vfs-containers/containers.json";
const LISTED: &[u8] =
    include_bytes!("../fixtures/identity/home/ann/.local/share/containers/storage/vfs-containers/containers.json");

/// What must hold whatever the file says.
pub(crate) fn check(bytes: &[u8]) {
    let machine = state::machine(&[("etc/passwd", bytes), (LIST, LISTED)]);
    for slice in ["machine.slice", "user.slice/user-1000.slice/user@1000.service/user.slice"] {
        let path = format!("/{slice}/libpod-{ID}.scope");
        state::assert_sound(&machine.resolve(&path, Instant::now()), &path);
    }
}
