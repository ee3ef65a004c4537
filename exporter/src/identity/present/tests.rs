use std::{
    fs,
    os::fd::{AsFd as _, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::event::{EventfdFlags, eventfd};
use tempfile::TempDir;

use super::*;
use crate::identity::{
    facts::Facts,
    failures::Reason,
    roots::Roots,
    source::{self, Trouble, Wanted},
};

const WEB: &str = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";
const MAIN: &str = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";
const SANDBOX: &str = "66bd777d2fbce568c2e4d2a66d178048a0ef378557eafe08a42633bb246cd91b";
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const POD: &str = "/kubepods/besteffort/pod11111111-2222-3333-4444-555555555555";

fn bell() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("an eventfd")
}

/// A hierarchy with these processes in these cgroups.
fn hierarchy(cgroups: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().expect("a directory");
    for (path, processes) in cgroups {
        let directory = root.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("cgroup.procs"), processes).expect("a file");
    }
    root
}

fn resolver(root: &Path, others: Vec<Box<dyn source::Source>>) -> Resolver {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity");
    let roots = Roots {
        docker: "/docker".into(),
        run: "/run".into(),
        lib: "/lib".into(),
        proc: "/nonexistent".into(),
        ..Roots::below(&fixtures, root.to_owned())
    };
    Resolver::new(roots, others, Arc::default())
}

#[test]
fn lists_containers_and_nothing_else() {
    let root = hierarchy(&[
        ("/system.slice/docker.service", "1\n2\n"),
        (&format!("{POD}/{SANDBOX}"), "3\n"),
        (&format!("{POD}/{MAIN}"), "4\n5\n"),
        (&format!("/docker/{WEB}"), "6\n"),
        // Docker in docker, and a name that only begins like the container's.
        (&format!("/docker/{WEB}/docker/{NOBODY}"), "7\n8\n"),
        (&format!("/docker/{WEB}-x"), "9\n"),
        ("/lxc.payload.lx1", ""),
    ]);
    let found = list(&resolver(root.path(), Vec::new()), root.path(), bell().as_fd(), PATIENCE).expect("a list");
    let summary: Vec<_> = found
        .iter()
        .map(|container| {
            let Present { identity, cgroup, processes, .. } = container;
            (identity.container.as_str(), identity.pod.as_str(), cgroup.as_str(), *processes)
        })
        .collect();
    let expected = [
        ("web-1", "", format!("/docker/{WEB}"), 3),
        ("main", "web-0", format!("{POD}/{MAIN}"), 2),
        ("lx1", "", "/lxc.payload.lx1".to_owned(), 0),
    ];
    assert_eq!(summary, expected.each_ref().map(|(name, pod, path, count)| (*name, *pod, path.as_str(), *count)));
    assert!(found[0].started > found[1].started, "the youngest first");
}

#[test]
fn knows_who_told_what() {
    let root = hierarchy(&[(&format!("/docker/{WEB}"), ""), (&format!("{POD}/{NOBODY}"), "")]);
    let found = list(&resolver(root.path(), Vec::new()), root.path(), bell().as_fd(), PATIENCE).expect("a list");
    let [web, nobody] = &found[..] else { panic!("two containers: {found:?}") };
    let docker = Origin::Source(Source::Docker);
    for (field, origin) in [
        ("container_id", Origin::Path),
        ("container", docker),
        ("image", docker),
        ("image_id", docker),
        ("container_labels", docker),
        ("started", docker),
    ] {
        assert_eq!(web.told.get(field), Some(&origin), "{field}");
    }
    let path =
        [("container_id", Origin::Path), ("pod", Origin::Path), ("pod_uid", Origin::Path), ("runtime", Origin::Path)];
    assert_eq!(nobody.told, path.into());
}

/// A source with a socket that is up when it is first asked, and knows a name when it is asked for the third time.
#[derive(Debug, Default)]
struct Slow(AtomicUsize);

impl source::Source for Slow {
    fn name(&self) -> Source {
        Source::DockerApi
    }

    fn tell(&self, wanted: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        if wanted.id != NOBODY {
            return Ok(None);
        }
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0..2 => Err(Trouble { reason: Reason::Missing, error: "it has been asked".into() }),
            _ => Ok(Some(Facts { container: "late".to_owned(), ..Facts::default() })),
        }
    }

    fn is_up(&self) -> Option<bool> {
        Some(true)
    }
}

#[test]
fn waits_for_a_socket() {
    let root = hierarchy(&[(&format!("/docker/{NOBODY}"), "1\n")]);
    let resolver = resolver(root.path(), vec![Box::new(Slow::default())]);
    let found = list(&resolver, root.path(), bell().as_fd(), Duration::from_secs(60)).expect("a list");
    assert_eq!((found[0].identity.container.as_str(), found[0].processes), ("late", 1));
    assert_eq!(found[0].told["container"], Origin::Source(Source::DockerApi));
}

/// A source with a socket that never answers.
#[derive(Debug)]
struct Silent(Arc<AtomicUsize>);

impl source::Source for Silent {
    fn name(&self) -> Source {
        Source::Cri
    }

    fn tell(&self, _: &Wanted<'_>) -> Result<Option<Facts>, Trouble> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(Trouble { reason: Reason::Unreachable, error: "nobody listens".into() })
    }

    fn is_up(&self) -> Option<bool> {
        Some(false)
    }
}

#[test]
fn does_not_wait_for_ever() {
    let root = hierarchy(&[(&format!("/docker/{WEB}"), "")]);
    let asked = Arc::new(AtomicUsize::new(0));
    let resolver = resolver(root.path(), vec![Box::new(Silent(Arc::clone(&asked)))]);
    let begin = Instant::now();
    let found = list(&resolver, root.path(), bell().as_fd(), Duration::from_millis(50)).expect("a list");
    assert!(begin.elapsed() >= Duration::from_millis(50));
    assert_eq!(found[0].identity.container, "web-1");
    assert_ne!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(resolver.failures().get(Source::Cri, Reason::Unreachable), 1);
}

#[test]
fn fails_where_there_is_no_hierarchy() {
    let resolver = resolver(Path::new("/nonexistent"), Vec::new());
    let error = list(&resolver, Path::new("/nonexistent"), bell().as_fd(), PATIENCE).expect_err("nothing there");
    assert_eq!(error.to_string(), "cannot list cgroup directory `/nonexistent`");
}
