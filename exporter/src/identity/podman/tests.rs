//! Lists of a real Podman, and lists as they should not be.

use std::{fs, os::unix::fs::symlink};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::identity::failures::Reason;

const WEB: &str = "90183cb70be7c78fd480b77cd09469deb534a530d404423be7ea76f3d5f3043c";
const MINE: &str = "3c39423b07ccb546fa3f653b95b265682f7f242545ce7d24b15ac9770e69417d";
const IMAGE: &str = "e60e0d6db43177844782ac66c85655433ee4311213d37b23738f1660dd118960";
const STORAGE: &str = "lib/containers/storage/overlay-containers";

fn files(root: &Path) -> PodmanFiles {
    let roots = Roots { run: "/run".into(), lib: "/lib".into(), ..Roots::below(root, "/nonexistent".into()) };
    PodmanFiles::new(&roots)
}

fn told(files: &PodmanFiles, cgroup: &str, id: &str) -> Result<Facts, Reason> {
    let wanted = Wanted { runtime: Some(Runtime::Podman), id, cgroup, since: std::time::Instant::now() };
    files.tell(&wanted).map(|facts| facts.expect("it is Podman's")).map_err(|trouble| trouble.reason)
}

fn name(files: &PodmanFiles, cgroup: &str, id: &str) -> Result<String, Reason> {
    told(files, cgroup, id).map(|facts| facts.container)
}

fn real() -> PodmanFiles {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity"))
}

fn named(id: &str, container: &str) -> Facts {
    Facts {
        scope: Some(Scope::Container),
        runtime: Some(Runtime::Podman),
        container_id: id.to_owned(),
        container: container.to_owned(),
        image: "localhost/shop/busybox:test".to_owned(),
        image_id: IMAGE.to_owned(),
        ..Facts::default()
    }
}

/// A list in which each container has its name.
fn list(containers: &[(&str, &str)]) -> String {
    let entry = |(id, name): &(&str, &str)| serde_json::json!({ "id": id, "names": [name] });
    serde_json::Value::from(containers.iter().map(entry).collect::<Vec<_>>()).to_string()
}

fn write(root: &Path, file: &str, text: impl AsRef<[u8]>) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

#[test]
fn names_roots_containers() {
    assert_eq!(told(&real(), &format!("/libpod_parent/libpod-{WEB}"), WEB), Ok(named(WEB, "web-1")));
}

#[test]
fn names_containers_of_users() {
    for cgroup in ["/user.slice/user-1000.slice/user@1000.service/user.slice/libpod.scope", "/elsewhere"] {
        assert_eq!(told(&real(), cgroup, MINE), Ok(named(MINE, "mine")), "{cgroup}");
    }
    // It is in another user's slice, so ann does not run it.
    assert_eq!(told(&real(), "/user.slice/user-1001.slice/libpod.scope", MINE), Err(Reason::Missing));
}

#[test]
fn knows_its_own_containers_only() {
    for runtime in [Runtime::Docker, Runtime::Containerd, Runtime::CriO] {
        let wanted = Wanted { runtime: Some(runtime), id: WEB, cgroup: "/somewhere", since: std::time::Instant::now() };
        assert_eq!(real().tell(&wanted).expect("an answer"), None);
    }
    assert_eq!(told(&real(), "/somewhere", &"0".repeat(64)), Err(Reason::Missing));
    assert_eq!(told(&files(Path::new("/nonexistent")), "/somewhere", WEB), Err(Reason::Missing));
}

#[test]
fn a_users_list_counts_behind_roots() {
    let root = tempfile::tempdir().expect("a directory");
    write(root.path(), "etc/passwd", "ann:x:1000:1000::/home/ann:\nbob:x:1001:1001::/home/bob:\n");
    for (user, taken) in [("ann", "a"), ("bob", "b")] {
        let containers = list(&[("shared", &format!("of {user}")), (taken, user)]);
        write(root.path(), &format!("home/{user}/{IN_HOME}/vfs-containers/containers.json"), containers);
    }
    write(root.path(), &format!("{STORAGE}/containers.json"), list(&[("shared", "of root")]));
    let files = files(root.path());
    assert_eq!(name(&files, "/machine.slice/libpod.scope", "shared"), Ok("of root".to_owned()));
    assert_eq!(name(&files, "/user.slice/user-1001.slice/libpod.scope", "shared"), Ok("of bob".to_owned()));
    assert_eq!(name(&files, "/user.slice/user-0.slice/libpod.scope", "shared"), Ok("of root".to_owned()));
    assert_eq!(name(&files, "/machine.slice/libpod.scope", "b"), Ok("bob".to_owned()));
}

#[test]
fn reads_a_list_again_when_it_changes() {
    let root = tempfile::tempdir().expect("a directory");
    let files = files(root.path());
    let path = format!("{STORAGE}/containers.json");
    for (text, expected) in [
        (list(&[("a", "one")]), Ok("one".to_owned())),
        (list(&[("a", "two")]), Ok("two".to_owned())),
        (list(&[("b", "two")]), Err(Reason::Missing)),
        (r#"[{"id":"a","na"#.to_owned(), Err(Reason::Malformed)),
        (list(&[("a", "one")]), Ok("one".to_owned())),
    ] {
        write(root.path(), &path, &text);
        assert_eq!(name(&files, "/x", "a"), expected, "{text}");
    }
    fs::remove_file(root.path().join(&path)).expect("removed");
    assert_eq!(name(&files, "/x", "a"), Err(Reason::Missing));
    write(root.path(), &format!("{STORAGE}/volatile-containers.json"), list(&[("a", "brief")]));
    assert_eq!(name(&files, "/x", "a"), Ok("brief".to_owned()));
    write(root.path(), "run/containers/storage/overlay-containers/volatile-containers.json", list(&[("t", "gone")]));
    assert_eq!(name(&files, "/x", "t"), Ok("gone".to_owned()));
}

#[test]
fn complains_once_about_what_stays_as_it_is() {
    let root = tempfile::tempdir().expect("a directory");
    let files = files(root.path());
    let path = format!("{STORAGE}/containers.json");
    write(root.path(), &path, "[");
    let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000);
    let file = fs::File::options().write(true).open(root.path().join(&path)).expect("a file");
    file.set_modified(then).expect("a time");
    assert_eq!(name(&files, "/x", "a"), Err(Reason::Malformed));
    assert_eq!(name(&files, "/x", "a"), Err(Reason::Missing));
}

#[test]
fn survives_what_is_no_list() {
    let root = tempfile::tempdir().expect("a directory");
    let files = files(root.path());
    let path = format!("{STORAGE}/containers.json");
    for text in ["{}", "[", "7", "", &format!(r#"[{{"id":"a","names":["{}"]}}]"#, "x".repeat(10 << 20))] {
        write(root.path(), &path, text);
        assert_eq!(name(&files, "/x", "a"), Err(Reason::Malformed), "{text:.20}");
    }
    // One entry without sense, one that is not UTF-8, one in order.
    write(
        root.path(),
        &path,
        b"[7,{\"id\":7},{\"names\":[]},{\"id\":\"b\",\"names\":[\"n\xff\"]},{\"id\":\"a\",\"names\":[\"one\"]}]",
    );
    assert_eq!(name(&files, "/x", "a"), Ok("one".to_owned()));
    assert_eq!(name(&files, "/x", "b"), Ok("n\u{fffd}".to_owned()));
    write(
        root.path(),
        &path,
        r#"[{"id":"a","names":null,"metadata":"{","image":null},{"id":"b","metadata":"{\"name\":\"m\"}"}]"#,
    );
    assert_eq!(name(&files, "/x", "a"), Ok(String::new()));
    assert_eq!(name(&files, "/x", "b"), Ok("m".to_owned()));

    fs::remove_file(root.path().join(&path)).expect("removed");
    mknodat(CWD, root.path().join(&path), FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    assert_eq!(name(&files, "/x", "a"), Err(Reason::Unreadable));
}

#[test]
fn a_home_leads_nowhere_else() {
    let root = tempfile::tempdir().expect("a directory");
    write(root.path(), "etc/passwd", "ann:x:1000:1000::/home/ann:\n");
    write(root.path(), "secret/containers.json", list(&[("a", "secret")]));
    let storage = root.path().join("home/ann").join(IN_HOME);
    fs::create_dir_all(&storage).expect("a directory");
    symlink("/secret", storage.join("overlay-containers")).expect("a link");
    symlink("../../../../../../../secret", storage.join("vfs-containers")).expect("a link");
    assert_eq!(name(&files(root.path()), "/user.slice/user-1000.slice/x", "a"), Err(Reason::Missing));
}

#[test]
fn a_storage_may_be_a_link() {
    let root = tempfile::tempdir().expect("a directory");
    write(root.path(), "etc/passwd", "ann:x:1000:1000::/home/ann:\nbob:x:1001:1001::/home/bob:\n");
    let cgroup_of = |uid: u32| format!("/user.slice/user-{uid}.slice/x");
    for (storage, link, target) in [
        ("disk/storage", "lib/containers/storage", "/disk/storage"),
        ("home/ann/disk", "home/ann/.local/share/containers/storage", "../../../disk"),
        ("disk/of-bob", "home/bob/.local/share/containers/storage", "/disk/of-bob"),
    ] {
        write(root.path(), &format!("{storage}/overlay-containers/containers.json"), list(&[(storage, storage)]));
        let link = root.path().join(link);
        fs::create_dir_all(link.parent().expect("a directory")).expect("a directory");
        symlink(target, link).expect("a link");
    }
    let files = files(root.path());
    assert_eq!(name(&files, "/x", "disk/storage"), Ok("disk/storage".to_owned()));
    assert_eq!(name(&files, &cgroup_of(1000), "home/ann/disk"), Ok("home/ann/disk".to_owned()));
    // It would lead out of the home.
    assert_eq!(name(&files, &cgroup_of(1001), "disk/of-bob"), Err(Reason::Missing));
}
