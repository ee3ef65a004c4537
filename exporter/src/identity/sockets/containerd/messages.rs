//! The messages of containerd's services (`containers.v1`, `namespaces.v1`, `tasks.v1`, `events.v1`), as far as they are of use here;
//! decoding skips all other fields.

use std::collections::BTreeMap;

use prost::Message;

/// The services' methods, as paths.
pub(super) mod method {
    pub(in super::super) const LIST_NAMESPACES: &str = "/containerd.services.namespaces.v1.Namespaces/List";
    pub(in super::super) const LIST_CONTAINERS: &str = "/containerd.services.containers.v1.Containers/ListStream";
    pub(in super::super) const GET_CONTAINER: &str = "/containerd.services.containers.v1.Containers/Get";
    pub(in super::super) const SUBSCRIBE: &str = "/containerd.services.events.v1.Events/Subscribe";
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListNamespacesRequest {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListNamespacesResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) namespaces: Vec<Namespace>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Namespace {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListContainersRequest {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GetContainerRequest {
    #[prost(string, tag = "1")]
    pub(super) id: String,
}

/// The answer to both: `GetContainerResponse` and `ListContainerMessage`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ContainerMessage {
    #[prost(message, optional, tag = "1")]
    pub(super) container: Option<Container>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Container {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(btree_map = "string, string", tag = "2")]
    pub(super) labels: BTreeMap<String, String>,
    #[prost(string, tag = "3")]
    pub(super) image: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SubscribeRequest {
    /// An event is sent when one of these fits.
    #[prost(string, repeated, tag = "1")]
    pub(super) filters: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Envelope {
    #[prost(message, optional, tag = "1")]
    pub(super) timestamp: Option<Timestamp>,
    #[prost(string, tag = "2")]
    pub(super) namespace: String,
    #[prost(string, tag = "3")]
    pub(super) topic: String,
    #[prost(message, optional, tag = "4")]
    pub(super) event: Option<Any>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

/// `google.protobuf.Any`. The topic tells what is in it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

/// What the events `ContainerCreate`, `ContainerUpdate`, `ContainerDelete`, `TaskStart` and `TaskOOM` have in common.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ContainerEvent {
    #[prost(string, tag = "1")]
    pub(super) id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TaskExit {
    #[prost(string, tag = "1")]
    pub(super) container_id: String,
    /// The process: the container's own id for its first one, another for one that was executed in it.
    #[prost(string, tag = "2")]
    pub(super) id: String,
    #[prost(uint32, tag = "4")]
    pub(super) exit_status: u32,
}
