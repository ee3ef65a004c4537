//! What a runtime tells the kubelet, over CRI v1: containerd and CRI-O.
//!
//! The runtime is asked for everything at first and every ten seconds, and for one container as soon as somebody wants to know
//! of it or an event names it.

mod facts;
mod messages;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    convert::Infallible,
    future,
    path::PathBuf,
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use self::messages::{
    Container, ContainerEventResponse, ContainerStatusRequest, ContainerStatusResponse, GetEventsRequest, IdFilter,
    ListContainersRequest, ListContainersResponse, ListPodSandboxRequest, ListPodSandboxResponse, PodSandbox,
    VersionRequest, VersionResponse, method,
};
use super::{
    Heard, Name, Peer, Setting, SocketError, SocketSource,
    grpc::{Answers, Connection},
};
use crate::identity::{Runtime, facts::Facts, paths::is_hex_id, source::Wanted};

/// How often everything is asked for: what no event told, and whether the runtime still answers.
const LIST: Duration = Duration::from_secs(10);

/// When to ask again for what the runtime does not know. containerd tells of a sandbox only once it runs, which is after its
/// cgroup was made.
const AGAIN: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1500)];

/// The questions that wait to be asked again at most; the list answers what is more.
const AGAIN_MAX: usize = 1024;

/// Follows the runtime that serves CRI at `socket`.
#[must_use]
pub fn follow(socket: PathBuf, setting: Setting) -> SocketSource {
    SocketSource::start(Name::Cri, socket.clone(), setting, may_know, Cri { socket })
}

/// Whether a runtime that serves CRI may know the container.
fn may_know(wanted: &Wanted<'_>) -> bool {
    let is_its = match wanted.runtime {
        None | Some(Runtime::Containerd | Runtime::CriO) => true,
        // cri-dockerd serves CRI for docker, which has containers of its own besides.
        Some(Runtime::Docker) => wanted.cgroup.contains("kubepods"),
        Some(Runtime::Podman | Runtime::Lxc | Runtime::Nspawn | Runtime::Runc | Runtime::Crun) => false,
    };
    is_its && is_hex_id(wanted.id)
}

struct Cri {
    socket: PathBuf,
}

impl Peer for Cri {
    async fn session(&self, heard: &Heard) -> Result<Infallible, SocketError> {
        let connection = Connection::open(&self.socket).await?;
        let version: Option<VersionResponse> =
            connection.call(method::VERSION, None, VersionRequest { version: "v1".to_owned() }).await?;
        let version = version.unwrap_or_default();
        let mut events =
            tells_events_to_all(&version).then(|| connection.subscribe(method::EVENTS, None, GetEventsRequest {}));
        let mut session = Session {
            connection,
            heard,
            runtime: facts::runtime(&version.runtime_name),
            pods: HashMap::new(),
            states: HashMap::new(),
        };
        session.list().await?;
        heard.up();
        let mut again = Again::default();
        let Err(error) = session.follow(&mut events, &mut again).await;
        // Their answers come with the next session's list, if at all.
        again.0.iter().for_each(|(_, id, _)| heard.gone(id));
        Err(error)
    }
}

/// Whether every client gets every event. Older versions give each event to only one of those who listen: they would be
/// taken from the kubelet.
fn tells_events_to_all(version: &VersionResponse) -> bool {
    let mut numbers = version.runtime_version.trim_start_matches('v').split(['.', '-', '+']).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return false };
    match facts::runtime(&version.runtime_name) {
        Some(Runtime::Containerd) => major >= 2,
        Some(Runtime::CriO) => (major, minor) >= (1, 28),
        _ => false,
    }
}

async fn next(
    events: &mut Option<Answers<ContainerEventResponse>>,
) -> Result<Option<ContainerEventResponse>, SocketError> {
    match events {
        Some(events) => events.next().await,
        None => future::pending().await,
    }
}

struct Session<'a> {
    connection: Connection,
    heard: &'a Heard,
    runtime: Option<Runtime>,
    /// What is known of pods, by the ids of their sandboxes.
    pods: HashMap<String, Facts>,
    /// The states of containers when they were last looked at.
    states: HashMap<String, i32>,
}

impl Session<'_> {
    async fn follow(
        &mut self,
        events: &mut Option<Answers<ContainerEventResponse>>,
        again: &mut Again,
    ) -> Result<Infallible, SocketError> {
        let mut list = interval_at(Instant::now() + LIST, LIST);
        list.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (id, asked) = tokio::select! {
                id = self.heard.asked() => (id, 0),
                question = again.due() => question,
                event = next(events) => match event? {
                    Some(event) => (event.container_id, AGAIN.len()),
                    None => {
                        *events = None;
                        continue;
                    }
                },
                _ = list.tick() => {
                    self.list().await?;
                    continue;
                }
            };
            let answered = self.ask(&id).await;
            let later = matches!(answered, Ok(false)) && again.put(&id, asked);
            if !later && !matches!(answered, Ok(true)) {
                self.heard.gone(&id);
            }
            answered?;
        }
    }

    /// Asks for everything that is there.
    async fn list(&mut self) -> Result<(), SocketError> {
        let (sandboxes, containers) = (self.sandboxes(None).await?, self.containers(None).await?);
        let sandbox_ids = sandboxes.iter().map(|sandbox| &sandbox.id);
        let ids: HashSet<String> =
            sandbox_ids.chain(containers.iter().map(|container| &container.id)).cloned().collect();
        self.pods.retain(|id, _| ids.contains(id));
        self.states.retain(|id, _| ids.contains(id));
        for sandbox in &sandboxes {
            self.sandbox(sandbox);
        }
        for container in &containers {
            if self.states.get(&container.id) != Some(&container.state) {
                self.container(container).await?;
            }
        }
        self.heard.only(&ids);
        Ok(())
    }

    /// Asks for one container or sandbox. Returns whether the runtime knows it.
    async fn ask(&mut self, id: &str) -> Result<bool, SocketError> {
        if let Some(container) = self.containers(Some(id)).await?.first() {
            self.container(container).await?;
            return Ok(true);
        }
        let sandboxes = self.sandboxes(Some(id)).await?;
        sandboxes.iter().for_each(|sandbox| self.sandbox(sandbox));
        Ok(!sandboxes.is_empty())
    }

    /// Remembers a pod by its sandbox.
    fn sandbox(&mut self, sandbox: &PodSandbox) {
        let facts = facts::of_sandbox(self.runtime, sandbox);
        self.heard.update(&sandbox.id, |known| known.clone_from(&facts));
        self.pods.insert(sandbox.id.clone(), facts);
    }

    /// Asks for what a list does not tell of a container, and for its pod if that is not known.
    async fn container(&mut self, container: &Container) -> Result<(), SocketError> {
        let request = ContainerStatusRequest { container_id: container.id.clone() };
        let answer: Option<ContainerStatusResponse> =
            match self.connection.call(method::CONTAINER_STATUS, None, request).await {
                // One container that the runtime cannot tell of is no reason not to ask for the others.
                Err(error @ SocketError::Refused { .. }) => {
                    self.heard.failed(&error);
                    None
                }
                answer => answer?,
            };
        let Some(status) = answer.and_then(|answer| answer.status) else { return Ok(()) };
        if !self.pods.contains_key(&container.pod_sandbox_id) {
            for sandbox in self.sandboxes(Some(&container.pod_sandbox_id)).await? {
                self.sandbox(&sandbox);
            }
        }
        let pod = self.pods.get(&container.pod_sandbox_id).cloned();
        let pod = pod.unwrap_or_else(|| Facts { runtime: self.runtime, ..Facts::default() });
        self.states.insert(container.id.clone(), status.state);
        let facts = facts::of_container(pod, container, status);
        self.heard.update(&container.id, |known| *known = facts);
        Ok(())
    }

    /// All sandboxes, or the one with an id.
    async fn sandboxes(&self, id: Option<&str>) -> Result<Vec<PodSandbox>, SocketError> {
        let request = ListPodSandboxRequest { filter: filter(id) };
        let answer: Option<ListPodSandboxResponse> =
            self.connection.call(method::LIST_SANDBOXES, None, request).await?;
        Ok(answer.unwrap_or_default().items)
    }

    /// All containers, or the one with an id.
    async fn containers(&self, id: Option<&str>) -> Result<Vec<Container>, SocketError> {
        let request = ListContainersRequest { filter: filter(id) };
        let answer: Option<ListContainersResponse> =
            self.connection.call(method::LIST_CONTAINERS, None, request).await?;
        Ok(answer.unwrap_or_default().containers)
    }
}

fn filter(id: Option<&str>) -> Option<IdFilter> {
    id.map(|id| IdFilter { id: id.to_owned() })
}

/// Questions to be asked again: when, for which container, and how often that was done.
#[derive(Default)]
struct Again(VecDeque<(Instant, String, usize)>);

impl Again {
    /// Has a question asked again that was asked so often already. Returns whether it will be.
    fn put(&mut self, id: &str, asked: usize) -> bool {
        let pause = AGAIN.get(asked).filter(|_| self.0.len() < AGAIN_MAX);
        self.0.extend(pause.map(|pause| (Instant::now() + *pause, id.to_owned(), asked + 1)));
        pause.is_some()
    }

    /// The next question when it is due. May be dropped while it waits.
    async fn due(&mut self) -> (String, usize) {
        let first = self.0.iter().enumerate().min_by_key(|(_, (due, ..))| *due).map(|(at, (due, ..))| (at, *due));
        let Some((at, due)) = first else { return future::pending().await };
        sleep_until(due).await;
        self.0.remove(at).map_or_else(Default::default, |(_, id, asked)| (id, asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listens_only_where_that_takes_nothing_from_the_kubelet() {
        let tells = |name: &str, version: &str| {
            tells_events_to_all(&VersionResponse { runtime_name: name.to_owned(), runtime_version: version.to_owned() })
        };
        for version in ["v2.0.0", "2.1.9", "v2.4.0-beta.0", "2.1+unknown"] {
            assert!(tells("containerd", version), "{version}");
        }
        for version in ["1.6.20~ds1", "v1.7.29", "", "v2", "two.one"] {
            assert!(!tells("containerd", version), "{version}");
        }
        assert!(tells("cri-o", "1.28.0") && !tells("cri-o", "1.27.9") && !tells("docker", "28.5.1"));
    }

    #[test]
    fn asks_for_what_may_be_in_a_pod() {
        let id = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";
        let knows = |runtime, id, cgroup| may_know(&Wanted { runtime, id, cgroup, since: std::time::Instant::now() });
        assert!(knows(Some(Runtime::Containerd), id, "/x"));
        assert!(knows(Some(Runtime::CriO), id, "/x"));
        assert!(knows(None, id, "/x"));
        assert!(knows(Some(Runtime::Docker), id, "/kubepods.slice/x"));
        assert!(!knows(Some(Runtime::Docker), id, "/docker/x"));
        assert!(!knows(Some(Runtime::Podman), id, "/kubepods.slice/x"));
        assert!(!knows(Some(Runtime::Containerd), "web", "/default/web"));
        assert!(!knows(None, "", "/x"));
    }

    #[tokio::test]
    async fn asks_again_a_few_times() {
        let mut again = Again::default();
        assert!(again.put("late", 1) && again.put("soon", 0));
        let start = Instant::now();
        assert_eq!(again.due().await, ("soon".to_owned(), 1));
        assert!(start.elapsed() >= AGAIN[0]);
        assert_eq!(again.due().await, ("late".to_owned(), 2));
        assert!(start.elapsed() >= AGAIN[1]);
        assert!(!again.put("often", AGAIN.len()));
        assert!(again.0.is_empty());
    }
}
