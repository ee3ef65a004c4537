//! What the users of an owner are called: the host's by the machine's `/etc/passwd`, a container's by its own.

mod follow;
mod uid_map;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwapOption;

pub use self::{follow::Follower, uid_map::UidMap};
pub use super::passwd::USERS;
use super::passwd::{self, Entry};

/// How long a name may be. useradd(8) makes none that is longer than 32 bytes.
pub const NAME_BYTES: usize = 64;

/// The names of users, by the ids that the kernel has for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserNames(Vec<(u32, Box<str>)>);

impl UserNames {
    /// The names in a file like passwd(5) of an owner whose user ids are mapped this way. What does not fit is left out.
    #[must_use]
    pub fn parse(passwd: &[u8], map: &UidMap) -> Self {
        let users = passwd::entries(passwd).filter(is_name);
        let mapped = users.filter_map(|Entry { uid, name, .. }| Some((map.outside(uid)?, name.into())));
        let mut names: Vec<(u32, Box<str>)> = mapped.take(USERS).collect();
        // The first of several names of a user counts, as for getpwuid(3).
        names.sort_by_key(|(uid, _)| *uid);
        names.dedup_by_key(|(uid, _)| *uid);
        names.shrink_to_fit();
        Self(names)
    }

    /// The name of a user.
    #[must_use]
    pub fn get(&self, uid: u32) -> Option<&str> {
        let at = self.0.binary_search_by_key(&uid, |(uid, _)| *uid).ok()?;
        Some(&self.0[at].1)
    }

    /// All of them, by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.0.iter().map(|(uid, name)| (*uid, &**name))
    }
}

/// Whether a user has a name.
fn is_name(Entry { name, .. }: &Entry<'_>) -> bool {
    // These signs and `#` begin no name (glibc's nss/nss_files).
    !name.is_empty() && name.len() <= NAME_BYTES && !name.starts_with(['+', '-', '#'])
}

/// The names of an owner's users, once they are known.
#[derive(Debug, Default)]
pub struct Users {
    names: ArcSwapOption<UserNames>,
    is_awaited: AtomicBool,
}

impl Users {
    /// Those whose names may soon be known.
    pub(crate) fn awaited() -> Self {
        Self { names: ArcSwapOption::empty(), is_awaited: AtomicBool::new(true) }
    }

    /// Their names; nothing while they are not known.
    #[must_use]
    pub fn names(&self) -> Option<Arc<UserNames>> {
        self.names.load_full()
    }

    /// Whether their names may soon be known.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, names: UserNames) {
        self.names.store(Some(Arc::new(names)));
        self.give_up();
    }

    /// They are not to be waited for.
    fn give_up(&self) {
        self.is_awaited.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
