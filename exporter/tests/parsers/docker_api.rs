//! What docker and podman answer over HTTP: the version, the list of containers, what is known of one, lines of events.

use doubleslit::identity::sockets::docker::follow;

use crate::socket::Api;

pub(crate) const API: Api = Api {
    follow,
    requests: &["/version", "/containers/json", "/containers/", "/events"],
    cgroup: "/docker/f546631f6380b9fd4c83439880c7e6d77cd78be4388366a75b56cab79f94e215",
};

/// What must hold for all answers.
pub(crate) fn check(bytes: &[u8]) {
    crate::socket::check(bytes, &API);
}
