//! The state files of runc and of crun.

use std::time::Instant;

use doubleslit::identity::{Identity, Runtime, Scope};

use crate::state;

/// What must hold whatever the files say: a cgroup is one of these containers', or the host's.
pub(crate) fn check(bytes: &[u8]) {
    let machine = state::machine(&[("run/runc/one/state.json", bytes), ("run/crun/two/status", bytes)]);
    let since = Instant::now();
    for path in ["/shop/worker", "/worker-2", "/shop/quick"] {
        let resolved = machine.resolve(path, since);
        let Identity { scope, runtime, .. } = resolved.merged.identity;
        match (scope, runtime) {
            (Scope::Container, Some(Runtime::Runc)) => state::assert_sound(&resolved, "one"),
            (Scope::Container, Some(Runtime::Crun)) => state::assert_sound(&resolved, "two"),
            _ => assert_eq!(resolved.merged.identity, Identity::default()),
        }
    }
}
