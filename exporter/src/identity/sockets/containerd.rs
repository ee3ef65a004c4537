//! What containerd tells its own clients, such as `ctr` and nerdctl.
//!
//! Containers are listed at first. Events tell of those that come, and how those there end.

mod facts;
mod messages;

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    path::PathBuf,
    time::Duration,
};

use prost::Message;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::messages::{
    Container, ContainerEvent, ContainerMessage, Envelope, GetContainerRequest, ListContainersRequest,
    ListNamespacesRequest, ListNamespacesResponse, SubscribeRequest, TaskExit, method,
};
use super::{
    Heard, Name, Peer, Setting, SocketError, SocketSource,
    grpc::{CALL, Connection},
    within,
};
use crate::identity::{
    Runtime,
    facts::{End, Facts},
    source::Wanted,
};

/// How often it is seen whether containerd still answers.
const PROOF: Duration = Duration::from_secs(10);

/// The namespaces that are listened to at most.
const NAMESPACES: usize = 64;

/// The namespaces that belong to docker, which names its containers elsewhere.
const DOCKERS: [&str; 2] = ["moby", "plugins.moby"];

/// What a process ended with that SIGKILL ended.
const KILLED: u32 = 137;

/// The events that are listened to.
mod topic {
    pub(super) const CREATE: &str = "/containers/create";
    pub(super) const UPDATE: &str = "/containers/update";
    pub(super) const DELETE: &str = "/containers/delete";
    pub(super) const START: &str = "/tasks/start";
    pub(super) const OOM: &str = "/tasks/oom";
    pub(super) const EXIT: &str = "/tasks/exit";
    pub(super) const ALL: [&str; 6] = [CREATE, UPDATE, DELETE, START, OOM, EXIT];
}

/// Follows the containerd that serves its API at `socket`.
///
/// An id is unique in a namespace only. Where two namespaces have the same one, the container that was heard of first is told.
#[must_use]
pub fn follow(socket: PathBuf, setting: Setting) -> SocketSource {
    SocketSource::start(Name::Containerd, socket.clone(), setting, may_know, Containerd { socket })
}

/// Whether containerd may know the container.
fn may_know(wanted: &Wanted<'_>) -> bool {
    matches!(wanted.runtime, None | Some(Runtime::Containerd)) && !wanted.id.is_empty()
}

struct Containerd {
    socket: PathBuf,
}

impl Peer for Containerd {
    async fn session(&self, heard: &Heard) -> Result<Infallible, SocketError> {
        let connection = Connection::open(&self.socket).await?;
        let filters = topic::ALL.map(|topic| format!("topic==\"{topic}\"")).into();
        let mut events = connection.subscribe(method::SUBSCRIBE, None, SubscribeRequest { filters });
        let mut session = Session { connection, heard, owners: HashMap::new(), out_of_memory: HashSet::new() };
        session.list().await?;
        heard.up();

        let mut proof = interval_at(Instant::now() + PROOF, PROOF);
        proof.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                id = heard.asked() => session.ask(&id).await?,
                event = events.next() => session.event(event?.ok_or(SocketError::Ended)?).await?,
                _ = proof.tick() => drop(session.namespaces().await?),
            }
        }
    }
}

struct Session<'a> {
    connection: Connection,
    heard: &'a Heard,
    /// The namespaces of the containers that are told, by their ids.
    owners: HashMap<String, String>,
    /// Containers in which the OOM killer was since they started.
    out_of_memory: HashSet<String>,
}

impl Session<'_> {
    /// Asks for everything that is there.
    async fn list(&mut self) -> Result<(), SocketError> {
        for namespace in self.namespaces().await? {
            let mut containers =
                self.connection.subscribe(method::LIST_CONTAINERS, Some(&namespace), ListContainersRequest {});
            while let Some(answer) = within(CALL, method::LIST_CONTAINERS, containers.next()).await? {
                let ContainerMessage { container } = answer;
                self.container(&namespace, container);
            }
        }
        self.heard.only(&self.owners.keys().cloned().collect());
        Ok(())
    }

    /// Asks every namespace for one container.
    async fn ask(&mut self, id: &str) -> Result<(), SocketError> {
        let found = self.find(id).await;
        if !matches!(found, Ok(true)) {
            self.heard.gone(id);
        }
        found.map(drop)
    }

    async fn find(&mut self, id: &str) -> Result<bool, SocketError> {
        for namespace in self.namespaces().await? {
            if self.get(&namespace, id).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The namespaces whose containers are told, containerd's default first.
    async fn namespaces(&self) -> Result<Vec<String>, SocketError> {
        let answer: Option<ListNamespacesResponse> =
            self.connection.call(method::LIST_NAMESPACES, None, ListNamespacesRequest {}).await?;
        let namespaces = answer.unwrap_or_default().namespaces.into_iter().map(|namespace| namespace.name);
        let mut namespaces: Vec<_> = namespaces.filter(|namespace| is_listened_to(namespace)).collect();
        namespaces.sort_by_key(|namespace| namespace != "default");
        namespaces.truncate(NAMESPACES);
        Ok(namespaces)
    }

    /// Asks for one container of a namespace. Returns whether it is known there and told.
    async fn get(&mut self, namespace: &str, id: &str) -> Result<bool, SocketError> {
        let request = GetContainerRequest { id: id.to_owned() };
        let answer: Option<ContainerMessage> =
            self.connection.call(method::GET_CONTAINER, Some(namespace), request).await?;
        Ok(self.container(namespace, answer.and_then(|answer| answer.container)))
    }

    /// Remembers a container. Returns whether it is told.
    fn container(&mut self, namespace: &str, container: Option<Container>) -> bool {
        let Some(container) = container else { return false };
        let owner = self.owners.entry(container.id.clone()).or_insert_with(|| namespace.to_owned());
        if owner != namespace {
            return false;
        }
        let id = container.id.clone();
        let facts = facts::of_container(container);
        self.heard.update(&id, |known| *known = Facts { started: known.started, end: known.end, ..facts });
        true
    }

    async fn event(&mut self, envelope: Envelope) -> Result<(), SocketError> {
        if !is_listened_to(&envelope.namespace) {
            return Ok(());
        }
        let outcome = match envelope.topic.as_str() {
            topic::EXIT => self.exit(&envelope),
            topic => self.change(topic, &envelope).await,
        };
        match outcome {
            // An event that cannot be understood is no reason not to listen to the others.
            Err(error @ (SocketError::Malformed { .. } | SocketError::Refused { .. })) => {
                self.heard.failed(&error);
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn change(&mut self, topic: &str, envelope: &Envelope) -> Result<(), SocketError> {
        let ContainerEvent { id } = understood(envelope)?;
        let namespace = &envelope.namespace;
        match topic {
            topic::CREATE | topic::UPDATE => drop(self.get(namespace, &id).await?),
            topic::DELETE if self.tells(namespace, &id) => {
                self.owners.remove(&id);
                self.out_of_memory.remove(&id);
                self.heard.gone(&id);
            }
            topic::START if self.tells(namespace, &id) || self.get(namespace, &id).await? => {
                self.out_of_memory.remove(&id);
                let started = envelope.timestamp.as_ref().and_then(facts::time);
                self.heard.update(&id, |known| (known.started, known.end) = (started, None));
            }
            topic::OOM if self.tells(namespace, &id) => drop(self.out_of_memory.insert(id)),
            _ => {}
        }
        Ok(())
    }

    fn exit(&mut self, envelope: &Envelope) -> Result<(), SocketError> {
        let TaskExit { container_id, id, exit_status } = understood(envelope)?;
        // A process that was executed in a container has an id of its own.
        if id == container_id && self.tells(&envelope.namespace, &id) {
            let oom_killed = self.out_of_memory.remove(&id) && exit_status == KILLED;
            let end = End { exit_code: i32::try_from(exit_status).unwrap_or(i32::MAX), oom_killed };
            self.heard.update(&id, |known| known.end = Some(end));
        }
        Ok(())
    }

    fn tells(&self, namespace: &str, id: &str) -> bool {
        self.owners.get(id).is_some_and(|owner| owner == namespace)
    }
}

fn is_listened_to(namespace: &str) -> bool {
    !DOCKERS.contains(&namespace)
}

fn understood<M: Message + Default>(envelope: &Envelope) -> Result<M, SocketError> {
    let malformed =
        |source: prost::DecodeError| SocketError::Malformed { request: envelope.topic.clone(), source: source.into() };
    let event = envelope.event.as_ref().map_or(&[][..], |event| &event.value);
    M::decode(event).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use super::{messages::Any, *};

    #[test]
    fn asks_for_what_containerd_may_run() {
        let knows = |runtime, id| may_know(&Wanted { runtime, id, cgroup: "/x", since: std::time::Instant::now() });
        assert!(knows(Some(Runtime::Containerd), "web") && knows(None, "web"));
        assert!(!knows(Some(Runtime::Docker), "web") && !knows(None, ""));
    }

    #[test]
    fn docker_tells_of_its_own_containers() {
        for namespace in ["default", "k8s.io", "buildkit"] {
            assert!(is_listened_to(namespace), "{namespace}");
        }
        assert!(!is_listened_to("moby") && !is_listened_to("plugins.moby"));
    }

    /// The numbers of the fields, in bytes as any other implementation writes them.
    #[test]
    fn reads_the_wire_format() {
        let exit = b"\x0a\x03web\x12\x03web\x18\x07\x20\x89\x01";
        let envelope = [
            b"\x0a\x04\x08\x01\x10\x05".as_slice(),
            b"\x12\x07default",
            b"\x1a\x0b/tasks/exit",
            b"\x22\x17\x0a\x04type\x12\x0f",
            exit,
        ]
        .concat();
        let envelope = Envelope::decode(envelope.as_slice()).expect("a message");
        assert_eq!((envelope.namespace.as_str(), envelope.topic.as_str()), ("default", topic::EXIT));
        assert_eq!(envelope.timestamp, Some(messages::Timestamp { seconds: 1, nanos: 5 }));
        let expected = TaskExit { container_id: "web".to_owned(), id: "web".to_owned(), exit_status: KILLED };
        assert_eq!(understood::<TaskExit>(&envelope).expect("an event"), expected);

        let container = b"\x0a\x03web\x12\x06\x0a\x01k\x12\x01v\x1a\x03img\x22\x04\x0a\x02rt";
        let expected = Container {
            id: "web".to_owned(),
            labels: [("k".to_owned(), "v".to_owned())].into(),
            image: "img".to_owned(),
        };
        assert_eq!(Container::decode(container.as_slice()).expect("a message"), expected);
    }

    #[test]
    fn an_event_that_is_none_is_malformed() {
        let event = Some(Any { value: b"\x0a\xff".to_vec() });
        let envelope = Envelope { event, topic: topic::EXIT.to_owned(), ..Envelope::default() };
        let error = understood::<TaskExit>(&envelope).expect_err("no event");
        assert_eq!(error.to_string(), "cannot understand the answer to `/tasks/exit`");
    }
}
