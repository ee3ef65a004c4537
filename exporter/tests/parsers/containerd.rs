//! What containerd answers its own clients: namespaces, containers, one of them, events.

use doubleslit::identity::sockets::containerd::follow;

use crate::socket::Api;

pub(crate) const API: Api = Api {
    follow,
    requests: &[
        "/containerd.services.namespaces.v1.Namespaces/List",
        "/containerd.services.containers.v1.Containers/ListStream",
        "/containerd.services.containers.v1.Containers/Get",
        "/containerd.services.events.v1.Events/Subscribe",
    ],
    cgroup: "/k8s.io/b5e0848f03a3e1bb1fcecd45fcd3380d0221988c57ce822d6efe566c5419dbfe",
};

/// What must hold for all answers.
pub(crate) fn check(bytes: &[u8]) {
    crate::socket::check(bytes, &API);
}
