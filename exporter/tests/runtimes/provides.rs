//! What each source tells: `docs/identity.md` has the table that this makes of what real runtimes told.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use crate::{
    containerd::{SLEEP, WEB, containerd},
    harness::Follower,
};
use doubleslit::identity::{
    facts::{Facts, Merged},
    failures::Source,
    resolve::Resolver,
    roots::Roots,
    sockets::{containerd, cri, docker},
};
use doubleslit_testbed::{
    bare::Bare,
    cgroup::v2_root,
    docker::{Docker, Hierarchy},
    host_root::HostRoot,
    podman::Podman,
};

/// What the columns of the table are about.
const FIELDS: [&str; 9] =
    ["container", "image", "image_id", "container_labels", "pod", "namespace", "pod_uid", "pod_labels", "started"];

/// Around the table in the document.
const BEGIN: &str = "<!-- what the tests saw -->\n";
const END: &str = "<!-- end -->\n";

/// Fields by runtime and source.
type Seen = BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>>;

/// What files tell of the container with its own cgroup at a path.
fn files(seen: &mut Seen, runtime: &'static str, roots: Roots, cgroup: &str) {
    let resolver = Resolver::new(roots, Vec::new(), Arc::default());
    for (field, source) in resolver.resolve(cgroup, Instant::now()).merged.told {
        seen.entry((runtime, label(source))).or_default().insert(field);
    }
}

/// What a source with a socket tells of a container.
fn socket(seen: &mut Seen, runtime: &'static str, source: Source, facts: Facts) {
    let mut merged = Merged::default();
    merged.add(source, facts);
    seen.entry((runtime, label(source))).or_default().extend(merged.told.iter().map(|(field, _)| *field));
}

fn label(source: Source) -> &'static str {
    source.name()
}

/// Where things are on a machine with this root, as this process finds them.
fn roots(root: &HostRoot) -> Roots {
    let seen = PathBuf::from(format!("/proc/{}/root{}", root.pid(), root.path().display()));
    let hierarchy = v2_root();
    let below = hierarchy.strip_prefix("/").expect("it is absolute");
    Roots::below(&seen, seen.join(below))
}

fn of_docker(seen: &mut Seen) {
    let engine = Docker::start(Hierarchy::Host);
    let id = engine.run(&["--name=told", "--label=team=core"], &SLEEP);
    let root = HostRoot::with(&[(&engine.data_root(), "/var/lib/docker")]);
    files(seen, "docker", roots(&root), &format!("/docker/{id}"));
    let mut follower = Follower::up(docker::follow, engine.socket());
    socket(seen, "docker", Source::DockerApi, follower.await_facts(&id, |facts| facts.started.is_some()));
}

fn of_podman(seen: &mut Seen) {
    let engine = Podman::start();
    let id = engine.run(&["--name=told", "--label=team=core"], &SLEEP);
    let root = HostRoot::with(&[(&engine.storage(), "/var/lib/containers/storage")]);
    files(seen, "podman", roots(&root), &format!("/libpod_parent/libpod-{id}"));
    let mut follower = Follower::up(docker::follow, engine.socket());
    socket(seen, "podman", Source::DockerApi, follower.await_facts(&id, |facts| facts.started.is_some()));
}

fn of_containerd(seen: &mut Seen) {
    let engine = containerd();
    let web = engine.pod(&WEB);
    let main = web.container("main", &[("tier", "front")], &SLEEP);
    engine.run_container("told", &["--label=team=core"], &SLEEP);
    let root = HostRoot::with(&[(&engine.run(), "/run")]);
    files(seen, "containerd, a pod's", roots(&root), &format!("{}/{main}", WEB.cgroup()));
    files(seen, "containerd, ctr's", roots(&root), "/default/told");
    let mut follower = Follower::up(cri::follow, engine.socket());
    socket(seen, "containerd, a pod's", Source::Cri, follower.await_facts(&main, |facts| facts.started.is_some()));
    let mut follower = Follower::up(containerd::follow, engine.socket());
    socket(seen, "containerd, a pod's", Source::Containerd, follower.await_facts(&main, |_| true));
    socket(seen, "containerd, ctr's", Source::Containerd, follower.await_facts("told", |_| true));
    engine.ctr("default", ["tasks", "delete", "--force", "told"]);
    engine.ctr("default", ["containers", "delete", "told"]);
}

fn of_bare(seen: &mut Seen, runtime: &'static str, bare: &Bare) {
    let _container = bare.start("told", "/ds-told", &["sleep", "1000"]);
    let root = HostRoot::with(&[(&bare.state(), &format!("/run/{}", bare.name()))]);
    files(seen, runtime, roots(&root), "/ds-told");
}

fn table(seen: &Seen) -> String {
    let mut text = format!("| runtime | source | {} |\n|---|---|{}\n", FIELDS.join(" | "), "---|".repeat(FIELDS.len()));
    for ((runtime, source), fields) in seen {
        let cells = FIELDS.map(|field| if fields.contains(field) { "yes" } else { "" });
        writeln!(text, "| {runtime} | `{source}` | {} |", cells.join(" | ")).expect("a text takes everything");
    }
    text
}

/// `BLESS=1` writes the table.
#[test]
#[ignore = "needs root"]
fn what_each_source_tells() {
    let mut seen = Seen::new();
    of_docker(&mut seen);
    of_podman(&mut seen);
    of_containerd(&mut seen);
    of_bare(&mut seen, "crun alone", &Bare::crun());
    of_bare(&mut seen, "runc alone", &Bare::runc());

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/identity.md");
    let document = fs::read_to_string(&path).expect("the document is there");
    let (before, rest) = document.split_once(BEGIN).expect("a table begins");
    let (_, after) = rest.split_once(END).expect("a table ends");
    let wanted = format!("{before}{BEGIN}\n{}\n{END}{after}", table(&seen));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &wanted).expect("the document can be written");
    }
    let found = fs::read_to_string(&path).expect("the document is there");
    assert_eq!(found, wanted, "docs/identity.md is not what real runtimes tell; BLESS=1 writes it");
}
