//! The directory over the life of containers.

use std::{fs, path::Path, sync::Mutex, time::Duration};

use super::*;
use crate::{
    identity::{
        Scope,
        facts::Facts,
        failures::Reason,
        roots::Roots,
        source::{self, Trouble, Wanted},
    },
    others::Looks,
};

const A: &str = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";

/// A machine on which docker has the container `A`.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().expect("a directory"));
        machine.write(&format!("docker/containers/{A}/config.v2.json"), r#"{"Name":"/web"}"#);
        machine
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn forget_docker(&self) {
        fs::remove_dir_all(self.0.path().join("docker")).expect("a directory");
    }

    fn directory(&self) -> Directory {
        self.directory_with(Vec::new())
    }

    fn directory_with(&self, sources: Vec<Box<dyn source::Source>>) -> Directory {
        let cgroup = self.0.path().join("cgroup");
        let roots = Roots {
            docker: "/docker".into(),
            run: "/run".into(),
            lib: "/lib".into(),
            ..Roots::below(self.0.path(), cgroup)
        };
        Directory::new(Resolver::new(roots, sources, Arc::default()))
    }
}

/// A source with a socket that answers, and tells what a test has it know.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<HashMap<String, Facts>>>);

impl Told {
    fn knows(&self, id: &str, container: &str) {
        let facts = Facts {
            scope: Some(Scope::Container),
            container_id: id.to_owned(),
            container: container.to_owned(),
            ..Facts::default()
        };
        self.0.lock().expect("no test panics with it").insert(id.to_owned(), facts);
    }

    fn knows_nothing(&self) {
        self.0.lock().expect("no test panics with it").clear();
    }
}

impl source::Source for Told {
    fn name(&self) -> Source {
        Source::Cri
    }

    /// A container whose path tells no id has its path as its id.
    fn tell(&self, wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        let id = if wanted.id.is_empty() { wanted.cgroup } else { wanted.id };
        let facts = self.0.lock().expect("no test panics with it").get(id).cloned();
        facts.map(Some).ok_or_else(|| Trouble { reason: Reason::Missing, error: "not heard of".into() })
    }

    fn news(&mut self) -> Vec<String> {
        self.0.lock().expect("no test panics with it").keys().cloned().collect()
    }

    fn is_up(&self) -> Option<bool> {
        Some(true)
    }
}

fn name(directory: &Directory, id: u64) -> &str {
    &directory.get(CgroupId(id)).expect("it is known").identity.container
}

fn missing(directory: &Directory) -> u64 {
    directory.resolver().failures().get(Source::Docker, Reason::Missing)
}

fn time(seconds: u64) -> Option<SystemTime> {
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[test]
fn users_are_those_of_the_owner() {
    let (machine, told) = (Machine::new(), Told::default());
    let mut directory = machine.directory_with(vec![Box::new(told.clone())]);
    assert!(directory.insert(CgroupId(1), "/before", None).users.is_none());
    directory.name_users(Looks::own(machine.0.path()).users).expect("threads");
    told.knows(A, "web");
    let b = A.replace('6', "7");
    for (id, path) in [
        (2, "/system.slice/a.service".to_owned()),
        (3, format!("/docker/{b}")),
        (4, format!("/docker/{b}/inner")),
        (5, format!("/docker/{A}")),
        (6, format!("/docker/{A}/system.slice/x.service")),
        (7, "/kubepods/pod2cd1be50-9d5b-41a0-9a10-0b8fb4c3a8de".to_owned()),
        (8, "/".to_owned()),
    ] {
        directory.insert(CgroupId(id), &path, None);
    }
    let users = |directory: &Directory, id| directory.get(CgroupId(id)).and_then(|cgroup| cgroup.users.clone());
    let is_same = |directory: &Directory, one, other| match (users(directory, one), users(directory, other)) {
        (Some(one), Some(other)) => Arc::ptr_eq(&one, &other),
        _ => false,
    };
    assert!(directory.is_open(CgroupId(3)) && users(&directory, 3).is_some_and(|users| users.is_awaited()));
    let before = users(&directory, 3);
    told.knows(&b, "late");
    directory.settle(Instant::now());
    assert_eq!(name(&directory, 3), "late");
    assert!(before.zip(users(&directory, 3)).is_some_and(|(before, after)| Arc::ptr_eq(&before, &after)));
    for (one, other, expected) in [(2, 8, true), (3, 4, true), (5, 6, true), (2, 3, false), (3, 5, false)] {
        assert_eq!(is_same(&directory, one, other), expected, "{one} and {other}");
    }
    assert!(users(&directory, 7).is_none(), "a pod has no list of its own");
    let known = directory.registry().get(CgroupId(6)).and_then(|known| known.users);
    assert!(known.zip(users(&directory, 5)).is_some_and(|(known, users)| Arc::ptr_eq(&known, &users)));
}

#[test]
fn shares_an_identity_with_what_is_nested() {
    let machine = Machine::new();
    let mut directory = machine.directory();
    let own = directory.insert(CgroupId(1), &format!("/docker/{A}"), time(7)).clone();
    assert_eq!((own.identity.container.as_str(), own.own, own.started), ("web", true, time(7)));

    machine.forget_docker();
    let nested = directory.insert(CgroupId(2), &format!("/docker/{A}/system.slice/x.service"), time(8)).clone();
    assert!(Arc::ptr_eq(&own.identity, &nested.identity));
    assert!(!nested.own);
    assert_eq!(missing(&directory), 0);
    assert_eq!(directory.len(), 2);
}

#[test]
fn resolves_what_is_nested_in_an_unknown_container() {
    let machine = Machine::new();
    let mut directory = machine.directory();
    let nested = directory.insert(CgroupId(2), &format!("/docker/{A}/init"), time(8));
    assert_eq!((nested.identity.container.as_str(), nested.own), ("web", false));
}

#[test]
fn settles_an_identity_at_first_sight() {
    let machine = Machine::new();
    let mut directory = machine.directory();
    let path = format!("/docker/{A}");
    let first = directory.insert(CgroupId(1), &path, time(7)).clone();
    machine.write(&format!("docker/containers/{A}/config.v2.json"), r#"{"Name":"/other"}"#);
    let again = directory.insert(CgroupId(1), &path, None);
    assert!(Arc::ptr_eq(&first.identity, &again.identity));
    assert_eq!(again.started, time(7));
}

#[test]
fn takes_a_container_that_starts_again_for_a_new_cgroup() {
    let machine = Machine::new();
    let mut directory = machine.directory();
    let path = format!("/docker/{A}");
    directory.insert(CgroupId(1), &path, time(7));
    assert!(directory.removed(CgroupId(1), Instant::now()));
    machine.write(&format!("docker/containers/{A}/config.v2.json"), r#"{"Name":"/renamed"}"#);
    assert_eq!(directory.insert(CgroupId(2), &path, time(9)).identity.container, "renamed");

    // The old one goes without taking the path from the new one.
    assert!(directory.forget(CgroupId(1)).is_some_and(|cgroup| cgroup.identity.container == "web"));
    machine.forget_docker();
    assert_eq!(directory.insert(CgroupId(3), &format!("{path}/x"), None).identity.container, "renamed");
    assert_eq!(missing(&directory), 0);
}

#[test]
fn marks_a_removal_once() {
    let machine = Machine::new();
    let mut directory = machine.directory();
    directory.insert(CgroupId(1), "/system.slice", None);
    let at = Instant::now();
    assert!(directory.removed(CgroupId(1), at));
    assert!(!directory.removed(CgroupId(1), at + Duration::from_secs(1)));
    assert!(!directory.removed(CgroupId(9), at));
    assert_eq!(directory.get(CgroupId(1)).and_then(|cgroup| cgroup.removed_at), Some(at));
    assert!(directory.forget(CgroupId(1)).is_some() && directory.forget(CgroupId(1)).is_none());
    assert!(directory.is_empty());
}

#[test]
fn the_host_has_units() {
    let machine = Machine::new();
    let mut directory = machine.directory();
    let paths = ["/", "/system.slice", "/system.slice/cron.service", &format!("/system.slice/docker-{A}.scope")];
    let walked: Vec<_> = (1..).map(CgroupId).zip(paths.map(str::to_owned)).collect();
    directory.reconcile(&walked, Instant::now());
    let [root, slice, service, container] =
        [1, 2, 3, 4].map(|id| directory.get(CgroupId(id)).expect("known").identity.clone());
    assert!(Arc::ptr_eq(&root, &slice));
    assert_eq!(*root, Identity::default());
    assert_eq!(*service, Identity { unit: "cron.service".to_owned(), ..Identity::default() });
    assert_eq!((container.scope, container.unit.as_str()), (Scope::Container, ""));
}

#[test]
fn finds_the_start_of_what_was_there_before() {
    let machine = Machine::new();
    let b = A.replace('6', "7");
    let text = r#"{"Name":"/b","State":{"Pid":1,"StartedAt":"1970-01-01T00:00:03Z"}}"#;
    machine.write(&format!("docker/containers/{b}/config.v2.json"), text);
    machine.write("proc/uptime", "100.00 1.00\n");
    machine.write(
        "proc/42/stat",
        "42 (sleep) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 5000 1 2 18446744073709551615 1 1 1 1 1 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
    );
    machine.write(&format!("cgroup/docker/{A}/cgroup.procs"), "42\n");

    let mut directory = machine.directory();
    let told = directory.insert(CgroupId(1), &format!("/docker/{b}"), None).started;
    assert_eq!(told, time(3), "as docker says");
    let seen = directory.insert(CgroupId(2), &format!("/docker/{A}"), None).started.expect("a start");
    let ago = SystemTime::now().duration_since(seen).expect("in the past").as_secs();
    assert!((50..60).contains(&ago), "as its first process says: {ago} s ago");
    assert_eq!(directory.insert(CgroupId(3), &format!("/docker/{A}/x"), None).started, None);
}

#[test]
fn follows_a_walk() {
    let machine = Machine::new();
    let mut directory = machine.directory();
    directory.insert(CgroupId(1), "/", None);
    directory.insert(CgroupId(2), "/gone", None);
    directory.insert(CgroupId(3), "/removed", None);
    directory.removed(CgroupId(3), Instant::now());

    let walked = [(1, "/".to_owned()), (4, format!("/docker/{A}")), (5, format!("/docker/{A}/init"))];
    let walked = walked.map(|(id, path)| (CgroupId(id), path));
    let reconciled = directory.reconcile(&walked, Instant::now());
    assert_eq!(reconciled, Reconciled { added: vec![CgroupId(4), CgroupId(5)], missing: vec![CgroupId(2)] });
    let [own, nested] = [4, 5].map(|id| directory.get(CgroupId(id)).expect("known").identity.clone());
    assert!(Arc::ptr_eq(&own, &nested));

    directory.removed(CgroupId(2), Instant::now());
    assert_eq!(directory.reconcile(&walked, Instant::now()), Reconciled::default());
}

const B: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn waits_for_a_name() {
    let (machine, told) = (Machine::new(), Told::default());
    let mut directory = machine.directory_with(vec![Box::new(told.clone())]);
    let now = Instant::now();
    directory.insert(CgroupId(1), &format!("/docker/{B}"), time(7));
    directory.insert(CgroupId(2), &format!("/docker/{B}/init"), time(7));
    assert_eq!(directory.settle(now), [], "it may soon have a name");
    assert!(directory.has_open() && directory.is_open(CgroupId(1)) && directory.is_open(CgroupId(2)));

    told.knows(B, "late");
    assert_eq!(directory.settle(now), [CgroupId(1), CgroupId(2)], "parents first");
    assert_eq!((name(&directory, 1), name(&directory, 2), directory.has_open()), ("late", "late", false));
    assert_eq!(missing(&directory), 0);
}

#[test]
fn does_not_wait_forever() {
    let machine = Machine::new();
    let mut directory = machine.directory_with(vec![Box::new(Told::default())]);
    directory.insert(CgroupId(1), &format!("/docker/{B}"), time(7));
    directory.insert(CgroupId(2), &format!("/docker/{B}/init"), time(7));
    assert_eq!(directory.settle(Instant::now() + PATIENCE), [CgroupId(1), CgroupId(2)]);
    assert_eq!(directory.get(CgroupId(1)).map(|cgroup| cgroup.identity.container_id.as_str()), Some(B));
    assert_eq!((name(&directory, 1), missing(&directory)), ("", 1));
}

#[test]
fn does_not_wait_for_what_is_gone() {
    let machine = Machine::new();
    let mut directory = machine.directory_with(vec![Box::new(Told::default())]);
    directory.insert(CgroupId(1), &format!("/docker/{B}"), time(7));
    assert!(directory.close(CgroupId(1)) && !directory.close(CgroupId(1)) && !directory.has_open());
}

#[test]
fn learns_names_and_forgets_none() {
    let (machine, told) = (Machine::new(), Told::default());
    let mut directory = machine.directory_with(vec![Box::new(told.clone())]);
    directory.insert(CgroupId(1), &format!("/docker/{B}"), time(7));
    directory.insert(CgroupId(2), &format!("/docker/{B}/init"), time(7));
    directory.settle(Instant::now() + PATIENCE);
    assert_eq!(directory.learn(), []);

    told.knows(B, "web");
    assert_eq!(directory.learn(), [CgroupId(1), CgroupId(2)]);
    assert_eq!(directory.learn(), [], "nothing new");
    told.knows(B, "web-2");
    assert_eq!(directory.learn(), [CgroupId(1), CgroupId(2)], "renamed");
    assert_eq!((name(&directory, 1), name(&directory, 2)), ("web-2", "web-2"));

    told.knows_nothing();
    assert_eq!(directory.learn(), []);
    told.knows(B, "");
    assert_eq!(directory.learn(), [], "what is known stays known");
    assert_eq!(name(&directory, 1), "web-2");
}

#[test]
fn finds_containers_whose_paths_tell_nothing() {
    let (machine, told) = (Machine::new(), Told::default());
    let mut directory = machine.directory_with(vec![Box::new(told.clone())]);
    directory.insert(CgroupId(1), "/jobs/one", time(7));
    directory.insert(CgroupId(2), "/jobs/one/nested", time(7));
    directory.insert(CgroupId(3), "/jobs/two", time(7));
    assert_eq!(directory.settle(Instant::now()), []);
    told.knows("/jobs/one", "one");
    assert_eq!(directory.settle(Instant::now()), [CgroupId(1), CgroupId(2)]);
    assert_eq!(directory.settle(Instant::now() + PATIENCE), [CgroupId(3)]);
    let found = [1, 2, 3].map(|id| directory.get(CgroupId(id)).expect("it is known"));
    assert_eq!(
        found.map(|cgroup| (cgroup.identity.scope, cgroup.own)),
        [(Scope::Container, true), (Scope::Container, false), (Scope::Host, false)]
    );
}
