//! The thread that owns the counts: it follows the life of cgroups, reads the maps on its own clock, and publishes snapshots.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwapOption;
use doubleslit_common::{
    key::CountKey,
    kind::Kind,
    loss::Loss,
    notice::{Change, NoticeView},
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::{
    snapshot::{Identities, Snapshot},
    source::{CountSource, NoticeSource, Reading},
    tally::{Tally, Terms},
};
use crate::{
    clock,
    error::chain,
    identity::{CgroupId, directory::Directory, hierarchy},
    lives::Lives,
};

/// How long a line about the same trouble stays unsaid.
const QUIET: Duration = Duration::from_secs(10);

/// How soon a cgroup of which more may be known, or that is starting or stopping, is looked at again.
const SECOND_LOOK: Duration = Duration::from_millis(20);

/// How long a cgroup stays known that counts nothing any more. Its last single events may still be on their way through the
/// ring, to listeners that want to know whose they are.
const LINGER: Duration = Duration::from_secs(2);

/// How long a scrape waits for a fresh snapshot.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is said when the last of a cgroup cannot be settled.
const UNSETTLED: &str = "cannot remove entries of a cgroup that is gone";

/// What the thread works with.
#[derive(Debug)]
pub struct Parts<S, N> {
    /// The maps.
    pub source: S,
    /// The notices of cgroups.
    pub notices: N,
    /// Where the cgroup v2 hierarchy is mounted.
    pub hierarchy: PathBuf,
    /// The known cgroups.
    pub directory: Directory,
    /// The totals.
    pub tally: Tally,
    /// The containers that start and stop, if somebody wants to hear of each.
    pub lives: Option<Lives>,
    /// Time between two reads.
    pub interval: Duration,
    /// Time between two walks of the hierarchy; nothing when notices tell of all changes.
    pub walk_interval: Option<Duration>,
    /// The eventfd that wakes the thread: whoever has news for it writes to it.
    pub bell: Arc<OwnedFd>,
}

/// The way to the thread. Dropping it ends the thread.
#[derive(Debug)]
pub struct Collector {
    latest: Arc<ArcSwapOption<Published>>,
    requests: Option<Sender<Request>>,
    wake: Arc<OwnedFd>,
    failures: Arc<AtomicU64>,
    /// In nanoseconds.
    max_age: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is asked for, and who is told when it is done.
#[derive(Debug)]
enum Request {
    /// A snapshot.
    Read(oneshot::Sender<()>),
    /// To go by something else.
    Revise(Box<Revision>, oneshot::Sender<()>),
}

/// What a collector goes by from now on.
#[derive(Clone, Debug)]
pub struct Revision {
    /// What the tally does.
    pub terms: Terms,
    /// Time between two reads.
    pub interval: Duration,
    /// The age up to which a snapshot is fresh.
    pub max_age: Duration,
}

#[derive(Debug)]
struct Published {
    /// When the read began: everything that happened before is in it.
    begun: Instant,
    snapshot: Arc<Snapshot>,
}

impl Collector {
    /// Starts the thread. Its first snapshot comes at once; later ones every interval, and when one is asked for that is
    /// not older than `max_age`.
    ///
    /// # Errors
    ///
    /// When the thread cannot be made.
    pub fn start<S, N>(parts: Parts<S, N>, max_age: Duration) -> io::Result<Self>
    where
        S: CountSource + 'static,
        N: NoticeSource + 'static,
    {
        let latest = Arc::new(ArcSwapOption::empty());
        let wake = Arc::clone(&parts.bell);
        let (requests, receiver) = mpsc::channel();
        let failures = Arc::new(AtomicU64::new(0));
        let worker = Worker {
            parts,
            latest: Arc::clone(&latest),
            wake: Arc::clone(&wake),
            requests: receiver,
            reading: Reading::default(),
            released: Vec::new(),
            concluded: HashMap::new(),
            leaving: VecDeque::new(),
            failures: Arc::clone(&failures),
            must_walk: true,
            missing: HashSet::new(),
            walked: Instant::now(),
            notices_lost: 0,
            said: None,
        };
        let thread = thread::Builder::new().name("collector".to_owned()).spawn(move || worker.run())?;
        Ok(Self {
            latest,
            requests: Some(requests),
            wake,
            failures,
            max_age: nanoseconds(max_age),
            thread: Some(thread),
        })
    }

    /// The last snapshot; nothing before the first.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        self.latest.load().as_ref().map(|published| Arc::clone(&published.snapshot))
    }

    /// How often the maps could not be read.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// A snapshot that is not older than the set age; nothing when the maps have never been read.
    pub async fn fresh(&self) -> Option<Arc<Snapshot>> {
        let max_age = Duration::from_nanos(self.max_age.load(Ordering::Relaxed));
        let young = |published: &Arc<Published>| published.begun.elapsed() < max_age;
        if !self.latest.load().as_ref().is_some_and(young) {
            // A thread that is gone cannot answer; what it left is the best there is. One that hangs, on a file system for
            // example, must not hang the scrape.
            let _ = tokio::time::timeout(PATIENCE, self.ask(Request::Read)).await;
        }
        self.latest()
    }

    /// Has the thread go by something else: what happened before is counted as before. All cgroups are told of again to those
    /// who watch them, because these may go by something else too. Then a snapshot is there that shows it. Says whether that was
    /// done; a thread that is at its end does it no more.
    pub async fn revise(&self, revision: Revision) -> bool {
        self.max_age.store(nanoseconds(revision.max_age).into_inner(), Ordering::Relaxed);
        self.ask(|reply| Request::Revise(Box::new(revision), reply)).await
    }

    /// Asks the thread, and waits until it is done. Says whether it is.
    async fn ask(&self, request: impl FnOnce(oneshot::Sender<()>) -> Request) -> bool {
        let (reply, answer) = oneshot::channel();
        let is_sent = self.requests.as_ref().is_some_and(|requests| requests.send(request(reply)).is_ok());
        if is_sent {
            wake(&self.wake);
        }
        answer.await.is_ok()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.requests = None;
        wake(&self.wake);
        if let Some(thread) = self.thread.take() {
            // A panic has already been printed.
            let _ = thread.join();
        }
    }
}

/// A time in nanoseconds, which others can change.
fn nanoseconds(time: Duration) -> AtomicU64 {
    AtomicU64::new(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

fn wake(eventfd: &OwnedFd) {
    // It fails only when the counter is at its end, and then the thread is awake.
    let _ = rustix::io::write(eventfd, &1u64.to_ne_bytes());
}

struct Worker<S, N> {
    parts: Parts<S, N>,
    latest: Arc<ArcSwapOption<Published>>,
    wake: Arc<OwnedFd>,
    requests: Receiver<Request>,
    reading: Reading,
    /// Cgroups that no event can follow for.
    released: Vec<CgroupId>,
    /// What has left the maps and is not applied yet.
    concluded: HashMap<CountKey, u64>,
    /// Cgroups that are soon forgotten, and since when they count nothing.
    leaving: VecDeque<(Instant, CgroupId)>,
    /// Whether the hierarchy must be walked, because notices may have been missed.
    must_walk: bool,
    /// What the last walk did not find.
    missing: HashSet<CgroupId>,
    walked: Instant,
    failures: Arc<AtomicU64>,
    notices_lost: u64,
    said: Option<Instant>,
}

impl<S: CountSource, N: NoticeSource> Worker<S, N> {
    fn run(mut self) {
        let mut due = Instant::now();
        loop {
            let (mut waiting, mut revisions) = (Vec::new(), Vec::new());
            let open = loop {
                match self.requests.try_recv() {
                    Ok(Request::Read(reply)) => waiting.push(reply),
                    Ok(Request::Revise(revision, reply)) => {
                        revisions.push(*revision);
                        waiting.push(reply);
                    }
                    Err(error) => break error == mpsc::TryRecvError::Empty,
                }
            };
            if !open {
                return self.finish();
            }
            let now = Instant::now();
            if now >= due || !waiting.is_empty() {
                self.collect();
                revisions.into_iter().for_each(|revision| self.revise(revision));
                due = now + self.parts.interval;
            }
            for reply in waiting {
                // Whoever asked may have gone.
                let _ = reply.send(());
            }
            let mut timeout = due.saturating_duration_since(Instant::now());
            if self.parts.directory.has_open() || self.parts.lives.as_ref().is_some_and(Lives::is_waiting) {
                timeout = timeout.min(SECOND_LOOK);
            }
            self.wait(timeout);
            self.follow_notices();
            self.follow_sources();
            self.follow_lives();
        }
    }

    /// Waits for a notice, a request, or the time.
    fn wait(&mut self, timeout: Duration) {
        let mut fds = [
            PollFd::from_borrowed_fd(self.parts.notices.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN),
        ];
        let timeout = Timespec::try_from(timeout).ok();
        // Interrupted or not, the loop looks at everything.
        let _ = poll(&mut fds, timeout.as_ref());
        let _ = rustix::io::read(&*self.wake, &mut [0u8; 8]);
    }

    fn follow_notices(&mut self) {
        let Parts { notices, directory, tally, lives, source, .. } = &mut self.parts;
        let (released, must_walk, concluded) = (&mut self.released, &mut self.must_walk, &mut self.concluded);
        let malformed = notices.drain(&mut |notice| {
            let id = CgroupId(notice.cgroup);
            match notice.change {
                Change::Created => match notice.path.map(String::from_utf8_lossy) {
                    Some(path) => {
                        directory.insert(id, &path, Some(wall_clock(&notice)));
                        take_in(directory, tally, lives, id);
                    }
                    None => *must_walk = true,
                },
                Change::Removed => {
                    let time = wall_clock(&notice);
                    // It may have been made while nobody listened.
                    if let Some(path) = notice.path.map(String::from_utf8_lossy) {
                        directory.insert(id, &path, None);
                        take_in(directory, tally, lives, id);
                    }
                    take_out(directory, tally, lives, id, (Instant::now(), time));
                    concluded.extend(tally.conclude(id, source));
                }
                Change::Released => released.push(id),
            }
        });
        *must_walk |= malformed > 0;
    }

    /// Takes over what sources of names have found out meanwhile.
    fn follow_sources(&mut self) {
        let Parts { directory, tally, lives, .. } = &mut self.parts;
        for id in directory.settle(Instant::now()) {
            take_in(directory, tally, lives, id);
        }
        for id in directory.learn() {
            if let Some(cgroup) = directory.get(id) {
                tally.rename(cgroup);
            }
        }
    }

    /// Looks at the containers that are starting or stopping.
    fn follow_lives(&mut self) {
        let Parts { directory, tally, lives, .. } = &mut self.parts;
        if let Some(lives) = lives {
            lives.look(directory.resolver(), |id| tally.has_counted(id, Kind::OomKill), Instant::now());
        }
    }

    /// Settles what whoever comes after would not know, and tells what there is still to tell.
    fn finish(mut self) {
        self.follow_notices();
        self.follow_sources();
        self.collect();
        if let Err(error) = self.parts.tally.settle_gone(&mut self.parts.source) {
            self.complain(UNSETTLED, &error);
        }
        let Parts { directory, tally, lives, .. } = self.parts;
        if let Some(mut lives) = lives {
            lives.finish(directory.resolver(), |id| tally.has_counted(id, Kind::OomKill));
        }
    }

    /// Reads the maps, brings the totals up to date and publishes them.
    fn collect(&mut self) {
        let (begun, taken) = (Instant::now(), clock::since_boot());
        // No event can follow for these, so what is read now is their last.
        let settled = std::mem::take(&mut self.released);
        if let Err(error) = self.parts.source.read(&mut self.reading) {
            self.released.extend(settled);
            self.failures.fetch_add(1, Ordering::Relaxed);
            return self.complain("cannot read the maps", &error);
        }
        self.follow_notices();
        self.follow_sources();
        let lost = self.reading.losses.iter().filter(|((cause, _), _)| *cause == Loss::NoticesFull);
        let lost = lost.map(|(_, count)| *count).sum();
        self.must_walk |= self.parts.walk_interval.is_some_and(|interval| self.walked.elapsed() >= interval);
        self.must_walk |= lost > self.notices_lost;
        self.notices_lost = lost;
        let concluded = std::mem::take(&mut self.concluded);
        if !concluded.is_empty() {
            // Some of it may have been read before it left.
            self.reading.counts.retain(|(key, _)| !concluded.contains_key(key));
            self.reading.counts.extend(concluded.iter().map(|(key, value)| (*key, *value)));
        }
        if self.must_walk || !self.parts.tally.strangers(&self.reading).is_empty() {
            self.walk();
        }
        let now = Instant::now();
        self.parts.tally.apply(&self.reading, now);
        concluded.keys().for_each(|key| self.parts.tally.forget(*key));
        for id in settled {
            match self.parts.tally.release(id, now, &mut self.parts.source) {
                Ok(()) => self.leaving.push_back((now, id)),
                Err(error) => {
                    self.released.push(id);
                    self.complain(UNSETTLED, &error);
                }
            }
        }
        let (gone, result) = self.parts.tally.retire(now, &mut self.parts.source);
        self.leaving.extend(gone.into_iter().map(|id| (now, id)));
        while let Some((_, id)) =
            self.leaving.pop_front_if(|(since, _)| now.saturating_duration_since(*since) >= LINGER)
        {
            self.parts.directory.forget(id);
        }
        if let Err(error) = result {
            self.complain(UNSETTLED, &error);
        }
        self.publish(begun, taken);
    }

    /// Goes by something else from now on, and shows it.
    fn revise(&mut self, revision: Revision) {
        let Revision { terms, interval, max_age: _ } = revision;
        let (begun, taken) = (Instant::now(), clock::since_boot());
        self.parts.interval = interval;
        self.parts.tally.change(terms, SystemTime::now());
        self.parts.directory.tell_again();
        self.publish(begun, taken);
    }

    /// Publishes the totals of a reading that began at a time.
    fn publish(&self, begun: Instant, taken: Duration) {
        let directory = &self.parts.directory;
        let failures = directory.resolver().failures().iter();
        let identities = Identities {
            entries: directory.len(),
            failures: failures.map(|(source, reason, count)| (source.name(), reason.name(), count)).collect(),
            up: directory.resolver().up().into_iter().map(|(source, up)| (source.name(), up)).collect(),
        };
        let snapshot = Arc::new(self.parts.tally.snapshot(&self.reading, identities, taken, begun.elapsed()));
        self.latest.store(Some(Arc::new(Published { begun, snapshot })));
    }

    /// Finds cgroups that no notice told of, and notices the end of others.
    fn walk(&mut self) {
        let Parts { hierarchy, directory, tally, lives, .. } = &mut self.parts;
        let begun = Instant::now();
        let walked = match hierarchy::walk(hierarchy) {
            Ok(walked) => walked,
            Err(error) => return self.complain("cannot walk the cgroup hierarchy", &error),
        };
        self.walked = Instant::now();
        let reconciled = directory.reconcile(&walked.found, begun);
        debug!(added = reconciled.added.len(), missing = reconciled.missing.len(), "walked the cgroup hierarchy");
        for id in reconciled.added {
            take_in(directory, tally, lives, id);
        }
        // A cgroup is told of a moment before its directory can be seen, and below a directory that cannot be listed none
        // can: one is gone only when it is missing twice.
        let missing = if walked.complete { reconciled.missing.into_iter().collect() } else { HashSet::new() };
        for id in missing.intersection(&self.missing) {
            take_out(directory, tally, lives, *id, (self.walked, SystemTime::now()));
        }
        self.must_walk = missing.iter().any(|id| !self.missing.contains(id));
        self.missing = missing;
    }

    fn complain(&mut self, what: &str, error: &dyn std::error::Error) {
        if self.said.is_none_or(|said| said.elapsed() >= QUIET) {
            self.said = Some(Instant::now());
            warn!(error = chain(error), "{what}");
        }
    }
}

/// Has the tally count for a cgroup, or wait with it while more may soon be known of it.
fn take_in(directory: &Directory, tally: &mut Tally, lives: &mut Option<Lives>, id: CgroupId) {
    match directory.get(id) {
        Some(_) if directory.is_open(id) => tally.hold(id),
        Some(cgroup) => {
            if tally.adopt(cgroup)
                && let Some(lives) = lives
            {
                lives.began(cgroup, Instant::now());
            }
        }
        None => {}
    }
}

/// Has the tally count the last of a cgroup that is gone, under the names that are known.
fn take_out(
    directory: &mut Directory,
    tally: &mut Tally,
    lives: &mut Option<Lives>,
    id: CgroupId,
    (now, time): (Instant, SystemTime),
) {
    if directory.close(id) {
        take_in(directory, tally, lives, id);
    }
    if directory.removed(id, now)
        && let (Some(lives), Some(cgroup)) = (lives, directory.get(id))
    {
        lives.ended(cgroup, time, now);
    }
    tally.remove(id, now);
}

/// When a notice's event happened, by the wall clock.
fn wall_clock(notice: &NoticeView<'_>) -> SystemTime {
    let age = clock::since_boot().saturating_sub(Duration::from_nanos(notice.boot_ns));
    SystemTime::now() - age
}

#[cfg(test)]
mod tests;
