//! What a source with a socket has heard: written by its task, read by the thread that asks, held for moments by both.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::SocketError;
use crate::identity::{
    facts::Facts,
    failures::{Failures, Source as Name},
};

/// The containers that are remembered at most.
const CONTAINERS: usize = 4096;

/// The size of all that is remembered, in bytes.
const BYTES: usize = 64 << 20;

/// How long a container is remembered that is gone, or that nobody knows.
const KEPT: Duration = Duration::from_secs(300);

/// What has been heard of containers, what is asked for, and what went wrong.
#[derive(Debug)]
pub(super) struct Heard {
    source: Name,
    failures: Arc<Failures>,
    wake: Arc<OwnedFd>,
    up: AtomicBool,
    asked: Notify,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    containers: HashMap<String, Container>,
    asked: VecDeque<String>,
    news: HashSet<String>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Container {
    /// Nothing while no answer came, and when the runtime does not know it.
    facts: Option<Facts>,
    /// Whether it is asked for and no answer came.
    asked: bool,
    /// Whether somebody was told less than is known by now, or nothing.
    awaited: bool,
    /// Since when it can be forgotten; nothing while it is there.
    idle: Option<Instant>,
}

/// An answer from memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// What is known.
    Facts(Box<Facts>),
    /// Not known yet: the runtime is asked.
    Asked,
    /// The runtime does not know it, or need not be asked.
    Nothing,
}

impl Heard {
    /// Nothing yet; down.
    pub(super) fn new(source: Name, failures: Arc<Failures>, wake: Arc<OwnedFd>) -> Self {
        Self { source, failures, wake, up: AtomicBool::new(false), asked: Notify::new(), memory: Mutex::default() }
    }

    /// What is known of a container. What is not known is asked for once if `ask` is set.
    pub(super) fn tell(&self, id: &str, ask: bool) -> Told {
        let mut memory = self.lock();
        if let Some(Container { facts, awaited, asked, .. }) = memory.containers.get_mut(id) {
            *awaited = true;
            return match facts {
                Some(facts) => Told::Facts(Box::new(facts.clone())),
                None if *asked => Told::Asked,
                None => Told::Nothing,
            };
        }
        let asked = Container { facts: None, asked: true, awaited: true, idle: Some(Instant::now()) };
        if ask && memory.put(id, asked) {
            // While the runtime is down, the questions of long ago are nobody's any more.
            if memory.asked.len() == CONTAINERS {
                memory.asked.pop_front();
            }
            memory.asked.push_back(id.to_owned());
            self.asked.notify_one();
            return Told::Asked;
        }
        Told::Nothing
    }

    /// What was heard of a container, for whoever puts facts together.
    pub(super) fn get(&self, id: &str) -> Option<Facts> {
        self.lock().containers.get(id).and_then(|container| container.facts.clone())
    }

    /// The ids of containers of which more is known than when they were last told of.
    pub(super) fn news(&self) -> Vec<String> {
        self.lock().news.drain().collect()
    }

    /// Whether the runtime answers.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// The next container that is asked for. May be dropped while it waits; has one caller at a time.
    pub(super) async fn asked(&self) -> String {
        loop {
            let next = self.lock().asked.pop_front();
            match next {
                Some(id) => return id,
                None => self.asked.notified().await,
            }
        }
    }

    /// Changes what is known of a container that is there. For a new one, that begins with nothing.
    pub(super) fn update(&self, id: &str, change: impl FnOnce(&mut Facts)) {
        let mut memory = self.lock();
        let mut container = memory.take(id).unwrap_or_default();
        let is_news = container.change(change);
        (container.asked, container.idle) = (false, None);
        if memory.put(id, container) && is_news {
            self.tell_of(memory, id);
        }
    }

    /// Changes what is known of a container, there or not. Where nothing is known, it does nothing.
    pub(super) fn amend(&self, id: &str, change: impl FnOnce(&mut Facts)) {
        let mut memory = self.lock();
        let Some(mut container) = memory.take(id) else { return };
        let is_news = container.facts.is_some() && container.change(change);
        if memory.put(id, container) && is_news {
            self.tell_of(memory, id);
        }
    }

    /// A container is gone, or the runtime does not know it. What was heard of it is kept for a while.
    pub(super) fn gone(&self, id: &str) {
        let mut memory = self.lock();
        if let Some(container) = memory.containers.get_mut(id) {
            container.idle.get_or_insert_with(Instant::now);
            // That there is no answer is one.
            if std::mem::take(&mut container.asked) {
                self.tell_of(memory, id);
            }
        }
    }

    fn tell_of(&self, mut memory: MutexGuard<'_, Memory>, id: &str) {
        let container = memory.containers.get_mut(id);
        if container.is_some_and(|container| std::mem::take(&mut container.awaited)) {
            memory.news.insert(id.to_owned());
            drop(memory);
            // It fails only when the counter is at its end, and then whoever waits is awake.
            let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
        }
    }

    /// These containers are there and no others. Returns those that were until now.
    pub(super) fn only(&self, ids: &HashSet<String>) -> Vec<String> {
        let (mut memory, now) = (self.lock(), Instant::now());
        let mut gone = Vec::new();
        for (id, container) in &mut memory.containers {
            if !ids.contains(id) && container.idle.is_none() {
                container.idle = Some(now);
                gone.push(id.clone());
            }
        }
        memory.forget_old(now);
        gone
    }

    /// The runtime answers.
    pub(super) fn up(&self) {
        self.up.store(true, Ordering::Relaxed);
    }

    /// The runtime does not answer. Returns whether it did before.
    pub(super) fn down(&self) -> bool {
        self.up.swap(false, Ordering::Relaxed)
    }

    /// Counts a failure.
    pub(super) fn failed(&self, error: &SocketError) {
        self.failures.add(self.source, error.reason());
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // Whoever panicked left a map that is whole.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn take(&mut self, id: &str) -> Option<Container> {
        let container = self.containers.remove(id)?;
        self.bytes -= container.size();
        Some(container)
    }

    /// Remembers a container, if there is room for it once those are forgotten that can be.
    fn put(&mut self, id: &str, container: Container) -> bool {
        let size = container.size();
        let fits = |memory: &Self| memory.containers.len() < CONTAINERS && memory.bytes + size <= BYTES;
        if !fits(self) {
            self.forget_old(Instant::now());
        }
        while !fits(self) {
            let idle = self.containers.iter().filter_map(|(id, container)| Some((container.idle?, id)));
            let Some(longest) = idle.min().map(|(_, id)| id.clone()) else {
                tracing::debug!(id, "not remembered: too many containers");
                self.news.remove(id);
                return false;
            };
            self.forget(&longest);
        }
        self.bytes += size;
        self.containers.insert(id.to_owned(), container);
        true
    }

    fn forget_old(&mut self, now: Instant) {
        let is_old = |container: &Container| container.idle.is_some_and(|idle| now.duration_since(idle) > KEPT);
        let old = self.containers.iter().filter(|(_, container)| is_old(container)).map(|(id, _)| id.clone());
        for id in old.collect::<Vec<_>>() {
            self.forget(&id);
        }
    }

    fn forget(&mut self, id: &str) {
        self.take(id);
        self.news.remove(id);
    }
}

impl Container {
    /// Changes what is known. Returns whether it is another thing now.
    fn change(&mut self, change: impl FnOnce(&mut Facts)) -> bool {
        let before = self.facts.clone();
        change(self.facts.get_or_insert_default());
        self.facts != before
    }

    fn size(&self) -> usize {
        self.facts.as_ref().map_or(0, size)
    }
}

/// About how much memory facts take, in bytes.
fn size(facts: &Facts) -> usize {
    let Facts {
        scope: _,
        runtime: _,
        container_id,
        container,
        pod,
        namespace,
        pod_uid,
        image,
        image_id,
        container_labels,
        pod_labels,
        started: _,
        end: _,
    } = facts;
    let texts = [container_id, container, pod, namespace, pod_uid, image, image_id].map(String::len);
    let labels = container_labels.iter().chain(pod_labels);
    size_of::<Container>() + texts.into_iter().chain(labels.map(|(key, value)| key.len() + value.len())).sum::<usize>()
}

#[cfg(test)]
mod tests;
