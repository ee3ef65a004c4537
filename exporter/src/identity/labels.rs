//! The labels that tell whose row it is.

use super::{Identity, Runtime};

/// A label that the rows of a container can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityLabel {
    /// The pod's namespace.
    Namespace,
    /// The pod.
    Pod,
    /// The container's name.
    Container,
    /// The container's id.
    ContainerId,
    /// The runtime.
    Runtime,
    /// The pod's uid.
    PodUid,
    /// The image.
    Image,
}

impl IdentityLabel {
    /// Every label.
    pub const ALL: [Self; 7] =
        [Self::Namespace, Self::Pod, Self::Container, Self::ContainerId, Self::Runtime, Self::PodUid, Self::Image];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Pod => "pod",
            Self::Container => "container",
            Self::ContainerId => "container_id",
            Self::Runtime => "runtime",
            Self::PodUid => "pod_uid",
            Self::Image => "image",
        }
    }

    /// Its value for an owner.
    #[must_use]
    pub fn value(self, identity: &Identity) -> &str {
        match self {
            Self::Namespace => &identity.namespace,
            Self::Pod => &identity.pod,
            Self::Container => &identity.container,
            Self::ContainerId => &identity.container_id,
            Self::Runtime => identity.runtime.map_or("", Runtime::name),
            Self::PodUid => &identity.pod_uid,
            Self::Image => &identity.image,
        }
    }
}
