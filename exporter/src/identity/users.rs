//! The machine's users and where their homes are.

use std::path::{Path, PathBuf};

use super::{
    passwd::{self, Entry, USERS},
    state_file::{Tree, Watched},
};

/// The homes of the machine's users, as `/etc/passwd` tells them.
#[derive(Debug)]
pub(super) struct Users {
    passwd: Watched,
    homes: Vec<(u32, PathBuf)>,
}

impl Users {
    /// The users in this file.
    pub(super) fn new(tree: Tree, passwd: PathBuf) -> Self {
        Self { passwd: Watched::new(tree, passwd), homes: Vec::new() }
    }

    /// The ids of users and their homes, in the file's order; none while the file cannot be read.
    pub(super) fn homes(&mut self) -> &[(u32, PathBuf)] {
        if let Some(bytes) = self.passwd.news() {
            self.homes = passwd::entries(&bytes).filter_map(home).take(USERS).collect();
        }
        &self.homes
    }
}

/// The user and the home, if there is one below the root.
fn home(Entry { uid, home, .. }: Entry<'_>) -> Option<(u32, PathBuf)> {
    let home = Path::new(home?);
    (home.is_absolute() && home.parent().is_some()).then(|| (uid, home.to_owned()))
}

/// The user in whose slice a cgroup is: systemd gives each one `user-<uid>.slice`.
pub(super) fn slice_owner(cgroup: &str) -> Option<u32> {
    let slice = cgroup.split('/').find_map(|name| name.strip_prefix("user-")?.strip_suffix(".slice"));
    slice?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_homes_and_reads_them_again_when_they_change() {
        let root = tempfile::tempdir().expect("a directory");
        let mut users = Users::new(Tree::new(root.path()), "/passwd".into());
        assert_eq!(users.homes(), []);
        let passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann,,:/home/ann:/bin/sh\n";
        fs::write(root.path().join("passwd"), passwd).expect("a file");
        assert_eq!(users.homes(), [(0, "/root".into()), (1000, "/home/ann".into())]);
        fs::write(root.path().join("passwd"), "bob:x:7:7::/b:\n").expect("a file");
        assert_eq!(users.homes(), [(7, "/b".into())]);
        fs::remove_file(root.path().join("passwd")).expect("removed");
        assert_eq!(users.homes(), []);
    }

    #[test]
    fn passes_over_lines_that_tell_no_home() {
        for line in
            ["", "a:b", "a:x:one:1::/home/a:", "a:x:1:1::home/a:", "a:x:1:1::/:", "a:x:-1:1::/home/a:", "::::::"]
        {
            assert_eq!(passwd::entries(line.as_bytes()).find_map(home), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn takes_any_line(line in "([a-z/:0-9]|\\PC){0,60}") {
            let mut homes = passwd::entries(line.as_bytes()).filter_map(home);
            prop_assert!(homes.all(|(_, home)| home.is_absolute() && home != Path::new("/")));
        }
    }

    #[test]
    fn knows_whose_slice_it_is() {
        for (cgroup, owner) in [
            ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-a.scope", Some(1000)),
            ("/user.slice/user-.slice/a", None),
            ("/user.slice/a", None),
            ("/machine.slice/libpod-a.scope", None),
        ] {
            assert_eq!(slice_owner(cgroup), owner, "{cgroup}");
        }
    }
}
