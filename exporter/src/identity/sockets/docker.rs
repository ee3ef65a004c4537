//! Docker's socket, or podman's that is like it: its HTTP API.
//!
//! The list of containers tells who they are; the engine answers it from memory. Inspecting one tells its start and its end,
//! but waits while the engine starts or stops the container: so the list is asked first, and an inspection that is late is
//! counted and does not end the session.

mod answers;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    convert::Infallible,
    path::PathBuf,
    time::Duration,
};

use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::{Heard, Peer, Setting, SocketError, SocketSource, http::Client};
use crate::identity::{Runtime, facts::End, failures::Source as Name, paths::is_hex_id, source::Wanted};
use answers::{Change, Event, Inspected, Listed, Version};

/// The path of the stream of what happens to containers: `filters={"type":["container"]}`.
const EVENTS: &str = "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D";

/// The path of the list of running containers.
const RUNNING: &str = "/containers/json";

/// How often the list is read again: it shows that the engine still answers, and what events did not tell.
const AGAIN: Duration = Duration::from_secs(30);

/// Requests of one kind that are under way at once.
const AT_ONCE: usize = 4;

/// Requests that are under way at once, those included whose answers are of no use any more.
const UNDER_WAY: usize = 16;

/// Questions that wait. What does not fit is found with the next list.
const WAITING: usize = 8192;

/// Containers of which it is kept that the OOM killer visited them.
const OOM_KILLED: usize = 1024;

/// Follows the engine behind `socket`.
#[must_use]
pub fn follow(socket: PathBuf, setting: Setting) -> SocketSource {
    let peer = Engine { client: Client::new(&socket) };
    SocketSource::start(Name::DockerApi, socket, setting, may_know, peer)
}

/// Docker below a kubelet has paths like containerd's.
fn may_know(wanted: &Wanted<'_>) -> bool {
    let is_like_docker = matches!(wanted.runtime, Some(Runtime::Docker | Runtime::Podman | Runtime::Containerd));
    is_like_docker && is_hex_id(wanted.id)
}

#[derive(Debug)]
struct Engine {
    client: Client,
}

impl Peer for Engine {
    async fn session(&self, heard: &Heard) -> Result<Infallible, SocketError> {
        // Before the list, so that nothing is missed between the two.
        let mut events = self.client.lines(EVENTS).await?;
        let version: Option<Version> = self.client.json("/version").await?;
        let runtime = version.map_or(Runtime::Docker, |version| version.runtime());
        let mut session = Session {
            client: &self.client,
            heard,
            runtime,
            due: BTreeSet::new(),
            busy: HashMap::new(),
            begun: 0,
            looks: JoinSet::new(),
            oom_killed: HashSet::new(),
        };
        session.list().await?;
        heard.up();
        let mut again = interval_at(Instant::now() + AGAIN, AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            session.begin();
            tokio::select! {
                line = events.next() => session.follow(&line?)?,
                id = heard.asked() => session.ask(Question::Who(id)),
                Some(look) = session.looks.join_next() => session.learn(look)?,
                _ = again.tick() => session.list().await?,
            }
        }
    }
}

/// What there is to ask of a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Question {
    /// Who is it?
    Who(String),
    /// Does it run, and if not, how did it end?
    How(String),
}

/// What the engine says; nothing of a container that it does not know.
#[derive(Debug)]
enum Answer {
    Who(Result<Option<Listed>, SocketError>),
    How(Result<Option<Inspected>, SocketError>),
}

/// A question, its number, and its answer.
type Look = (Question, u64, Answer);

/// One connection's worth of following an engine.
struct Session<'a> {
    client: &'a Client,
    heard: &'a Heard,
    runtime: Runtime,
    /// What is to be asked.
    due: BTreeSet<Question>,
    /// What has been asked, by the number of the request.
    busy: HashMap<Question, u64>,
    begun: u64,
    looks: JoinSet<Look>,
    /// Containers that the OOM killer visited since they started.
    oom_killed: HashSet<String>,
}

impl Session<'_> {
    /// Reads the list of running containers.
    async fn list(&mut self) -> Result<(), SocketError> {
        let listed: Option<Vec<Listed>> = self.client.json(RUNNING).await?;
        let mut listed = listed.ok_or_else(|| SocketError::absent(RUNNING))?;
        listed.retain(|container| is_hex_id(&container.id));
        for id in self.heard.only(&listed.iter().map(|container| container.id.clone()).collect()) {
            self.ask(Question::How(id));
        }
        // A container gets the labels of its pod from the pod's sandbox.
        listed.sort_by_key(|container| !container.is_sandbox());
        for container in listed {
            let id = container.id.clone();
            self.describe(container);
            if self.heard.get(&id).is_some_and(|facts| facts.started.is_none()) {
                self.ask(Question::How(id));
            }
        }
        Ok(())
    }

    fn ask(&mut self, question: Question) {
        if self.due.len() < WAITING {
            self.due.insert(question);
        }
    }

    /// Begins to ask what is due, as far as not too much is under way.
    fn begin(&mut self) {
        while self.looks.len() < UNDER_WAY
            && let Some(question) = self.due.iter().find(|question| self.is_free(question)).cloned()
        {
            self.due.remove(&question);
            self.begun += 1;
            self.busy.insert(question.clone(), self.begun);
            let (client, number) = (self.client.clone(), self.begun);
            self.looks.spawn(async move {
                let answer = match &question {
                    Question::Who(id) => Answer::Who(who(&client, id).await),
                    Question::How(id) => Answer::How(client.json(&format!("/containers/{id}/json")).await),
                };
                (question, number, answer)
            });
        }
    }

    fn is_free(&self, question: &Question) -> bool {
        let is_alike = |busy: &&Question| std::mem::discriminant(*busy) == std::mem::discriminant(question);
        !self.busy.contains_key(question) && self.busy.keys().filter(is_alike).count() < AT_ONCE
    }

    /// Takes an answer.
    fn learn(&mut self, look: Result<Look, JoinError>) -> Result<(), SocketError> {
        // Only a panic ends a task of these without an answer, and a panic has been printed.
        let Ok((question, number, answer)) = look else { return Ok(()) };
        if self.busy.get(&question) != Some(&number) {
            // The container has changed since.
            return Ok(());
        }
        self.busy.remove(&question);
        let (Question::Who(id) | Question::How(id)) = question;
        match answer {
            // Without the list there is nothing; without a start or an end there is still a name.
            Answer::Who(listed) => match listed? {
                Some(listed) => {
                    self.describe(listed);
                    self.ask(Question::How(id));
                }
                None => self.heard.gone(&id),
            },
            Answer::How(Ok(Some(inspected))) => self.heard.amend(&id, |facts| inspected.describe(facts)),
            Answer::How(Ok(None)) => self.heard.gone(&id),
            Answer::How(Err(error)) => {
                self.heard.failed(&error);
                tracing::debug!(id, cause = std::error::Error::source(&error), "cannot inspect a container: {error}");
            }
        }
        Ok(())
    }

    fn describe(&self, listed: Listed) {
        let sandbox = listed.sandbox_id().and_then(|id| self.heard.get(&id));
        self.heard.update(&listed.id.clone(), |facts| {
            facts.runtime = Some(self.runtime);
            listed.describe(facts);
            if let Some(sandbox) = sandbox {
                facts.pod_labels = sandbox.pod_labels;
            }
        });
    }

    /// Takes an event.
    fn follow(&mut self, line: &[u8]) -> Result<(), SocketError> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let malformed = |error| SocketError::Malformed { request: EVENTS.to_owned(), source: Box::new(error) };
        let event: Event = serde_json::from_slice(line).map_err(malformed)?;
        let Some((id, change)) = event.change().filter(|(id, _)| is_hex_id(id)) else { return Ok(()) };
        match change {
            Change::Named => self.ask(Question::Who(id)),
            Change::Started => {
                self.forget_how(&id);
                self.oom_killed.remove(&id);
                self.heard.amend(&id, |facts| (facts.started, facts.end) = (None, None));
                self.ask(Question::Who(id));
            }
            Change::Oom => {
                if self.oom_killed.len() < OOM_KILLED {
                    self.oom_killed.insert(id);
                }
            }
            Change::Died { exit_code } => {
                self.forget_how(&id);
                // One that is removed when it ends cannot be inspected any more.
                let oom_killed = self.oom_killed.remove(&id);
                self.heard.amend(&id, |facts| facts.end = exit_code.map(|exit_code| End { exit_code, oom_killed }));
                self.ask(Question::How(id));
            }
            Change::Destroyed => {
                self.oom_killed.remove(&id);
                self.heard.gone(&id);
            }
        }
        Ok(())
    }

    /// Answers on their way tell of a time that is over.
    fn forget_how(&mut self, id: &str) {
        self.busy.remove(&Question::How(id.to_owned()));
    }
}

/// Asks for the entry of one container in the list of all: `filters={"id":["…"]}`.
async fn who(client: &Client, id: &str) -> Result<Option<Listed>, SocketError> {
    let path = format!("/containers/json?all=true&filters=%7B%22id%22%3A%5B%22{id}%22%5D%7D");
    let listed: Option<Vec<Listed>> = client.json(&path).await?;
    Ok(listed.unwrap_or_default().into_iter().find(|container| container.id == id))
}
