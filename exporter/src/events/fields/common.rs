//! Fields of every event: whose it is.

use super::{Field, KINDS, OF_KERNEL, Value};

/// The fields.
pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "container_id",
        attribute: "container.id",
        help: "Id of the container",
        kinds: KINDS,
        value: |event| Value::text(&event.identity.container_id),
    },
    Field {
        name: "container",
        attribute: "container.name",
        help: "Name of the container",
        kinds: KINDS,
        value: |event| Value::text(&event.identity.container),
    },
    Field {
        name: "runtime",
        attribute: "container.runtime.name",
        help: "Runtime of the container",
        kinds: KINDS,
        value: |event| event.identity.runtime.and_then(|runtime| Value::text(runtime.name())),
    },
    Field {
        name: "image",
        attribute: "container.image.name",
        help: "Image of the container, as its creator named it",
        kinds: KINDS,
        value: |event| Value::text(&event.identity.image),
    },
    Field {
        name: "image_id",
        attribute: "container.image.id",
        help: "Id of the image",
        kinds: KINDS,
        value: |event| Value::text(&event.identity.image_id),
    },
    Field {
        name: "pod",
        attribute: "k8s.pod.name",
        help: "Name of the pod",
        kinds: KINDS,
        value: |event| Value::text(&event.identity.pod),
    },
    Field {
        name: "pod_uid",
        attribute: "k8s.pod.uid",
        help: "Uid of the pod",
        kinds: KINDS,
        value: |event| Value::text(&event.identity.pod_uid),
    },
    Field {
        name: "namespace",
        attribute: "k8s.namespace.name",
        help: "Namespace of the pod",
        kinds: KINDS,
        value: |event| Value::text(&event.identity.namespace),
    },
    Field {
        name: "unit",
        attribute: "doubleslit.systemd.unit",
        help: "Systemd unit of a cgroup of the host",
        kinds: KINDS,
        value: |event| Value::text(&event.identity.unit),
    },
    Field {
        name: "cgroup",
        attribute: "doubleslit.cgroup.path",
        help: "Path of the cgroup that owns the event, from the root of the hierarchy",
        kinds: KINDS,
        value: |event| Value::text(&event.cgroup_path),
    },
    Field {
        name: "cgroup_id",
        attribute: "doubleslit.cgroup.id",
        help: "Id of that cgroup",
        kinds: KINDS,
        value: |event| Value::number(event.cgroup.0),
    },
    Field {
        name: "cpu",
        attribute: "doubleslit.cpu",
        help: "CPU on which it happened",
        kinds: OF_KERNEL,
        value: |event| Value::number(event.cpu),
    },
    Field {
        name: "weight",
        attribute: "doubleslit.weight",
        help: "How many events it stands for, itself included",
        kinds: KINDS,
        value: |event| Value::number(event.weight),
    },
];
