//! Finds the names of users on threads of its own, which alone wait for a file system that a container has chosen.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use super::{UidMap, UserNames, Users};
use crate::{
    identity::{roots::Roots, started, state_file::Watched},
    others::{Look, UserFiles},
};

/// How often the machine's list is looked at.
const HOST_INTERVAL: Duration = Duration::from_secs(1);
/// How long events of a new container wait for names at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon a container is looked at again, and how late at most: in between after a part of the time that it is there.
const DELAYS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(60));
/// That part.
const DELAY_PART: u32 = 16;

/// Finds the names of users. Dropping it ends its threads, except those that hang.
#[derive(Debug)]
pub struct Follower {
    host: Arc<Users>,
    shared: Arc<Shared>,
}

impl Follower {
    /// Reads the machine's list, and begins to follow it. Whoever looks does so on a thread of its own: a list that never comes
    /// to its end takes it for good, and the others go on.
    ///
    /// # Errors
    ///
    /// When a thread cannot be made.
    pub fn start(roots: &Roots, mut looks: Vec<Box<dyn Look>>) -> io::Result<Self> {
        let host = Arc::<Users>::default();
        let shared = Arc::new(Shared { roots: roots.clone(), queue: Mutex::default(), changed: Condvar::new() });
        let passwd = Watched::new(roots.tree.clone(), roots.passwd.clone());
        let mut task = Task::Host { users: Arc::clone(&host), passwd };
        // The first events have names.
        let delay = looks.first_mut().and_then(|look| task.attend(roots, look.as_mut()));
        shared.add(task, delay.unwrap_or_default());
        let follower = Self { host, shared };
        for mut look in looks {
            let shared = Arc::clone(&follower.shared);
            thread::Builder::new().name("users".to_owned()).spawn(move || shared.work(look.as_mut()))?;
        }
        Ok(follower)
    }

    /// The host's users.
    pub(in crate::identity) fn of_host(&self) -> Arc<Users> {
        Arc::clone(&self.host)
    }

    /// The users of the container whose own cgroup has this path from the root of the hierarchy. They are looked for as long
    /// as somebody has them.
    pub(in crate::identity) fn of_container(&self, path: &str) -> Arc<Users> {
        let users = Arc::new(Users::awaited());
        let cgroup = self.shared.roots.cgroup.join(path.trim_start_matches('/'));
        let task = Task::Container { users: Arc::downgrade(&users), cgroup, since: Instant::now() };
        self.shared.add(task, Duration::ZERO);
        users
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }
}

/// What the threads share.
#[derive(Debug)]
struct Shared {
    roots: Roots,
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// What is to be done, by when that is due.
#[derive(Debug, Default)]
struct Queue {
    tasks: BTreeMap<(Instant, u64), Task>,
    /// Tells apart what is due at the same time.
    number: u64,
    is_closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, task: Task, delay: Duration) {
        let mut queue = self.lock();
        queue.number += 1;
        let key = (Instant::now() + delay, queue.number);
        queue.tasks.insert(key, task);
        drop(queue);
        self.changed.notify_one();
    }

    fn work(&self, look: &mut dyn Look) {
        while let Some(mut task) = self.next() {
            if let Some(delay) = task.attend(&self.roots, look) {
                self.add(task, delay);
            }
        }
    }

    /// Waits for something to do; nothing when it is over.
    fn next(&self) -> Option<Task> {
        let mut queue = self.lock();
        while !queue.is_closed {
            let now = Instant::now();
            let due = queue.tasks.first_key_value().map(|((due, _), _)| *due);
            queue = match due {
                Some(due) if due <= now => return queue.tasks.pop_first().map(|(_, task)| task),
                Some(due) => self.changed.wait_timeout(queue, due - now).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
        None
    }
}

/// Whose names are to be found.
#[derive(Debug)]
enum Task {
    Host { users: Arc<Users>, passwd: Watched },
    Container { users: Weak<Users>, cgroup: PathBuf, since: Instant },
}

impl Task {
    /// Looks for names. Returns when to look again.
    fn attend(&mut self, roots: &Roots, look: &mut dyn Look) -> Option<Duration> {
        match self {
            Self::Host { users, passwd } => {
                if let Some(bytes) = passwd.news_by(|| look.machine_users()) {
                    users.set(UserNames::parse(&bytes, &UidMap::identity()));
                }
                Some(HOST_INTERVAL)
            }
            Self::Container { users, cgroup, since } => {
                let users = users.upgrade()?;
                attend_container(&users, roots, cgroup, *since, look)
            }
        }
    }
}

/// The names of the users of the container whose own cgroup is this directory; nothing while its first process is not in the
/// container yet, or is gone. A container without a readable list has no names.
pub(super) fn names(roots: &Roots, cgroup: &Path, look: &mut dyn Look) -> Option<UserNames> {
    let first = started::first(cgroup, &roots.proc)?;
    let UserFiles { uid_map, passwd } = look.users(first.pid)?;
    // It was somebody else's if the container has another first process by now.
    let is_still = started::first(cgroup, &roots.proc)? == first;
    is_still.then(|| UserNames::parse(&passwd, &UidMap::parse(&uid_map)))
}

fn attend_container(
    users: &Users,
    roots: &Roots,
    cgroup: &Path,
    since: Instant,
    look: &mut dyn Look,
) -> Option<Duration> {
    if let Some(names) = names(roots, cgroup, look) {
        users.set(names);
        return None;
    }
    let age = since.elapsed();
    if age >= PATIENCE {
        users.give_up();
    }
    Some((age / DELAY_PART).clamp(DELAYS.0, DELAYS.1))
}
