//! What a runtime answers over CRI: the version, sandboxes, containers, the status of one, events.

use doubleslit::identity::sockets::cri::follow;

use crate::socket::Api;

pub(crate) const API: Api = Api {
    follow,
    requests: &[
        "/runtime.v1.RuntimeService/Version",
        "/runtime.v1.RuntimeService/ListPodSandbox",
        "/runtime.v1.RuntimeService/ListContainers",
        "/runtime.v1.RuntimeService/ContainerStatus",
        "/runtime.v1.RuntimeService/GetContainerEvents",
    ],
    cgroup: "/k8s.io/b5e0848f03a3e1bb1fcecd45fcd3380d0221988c57ce822d6efe566c5419dbfe",
};

/// What must hold for all answers.
pub(crate) fn check(bytes: &[u8]) {
    crate::socket::check(bytes, &API);
}
