//! The Debian package.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use doubleslit_testbed::shell;

use crate::harness::{BINARY, everything, repository};

/// What it holds, beside documents, manual pages, dashboards and rules.
const FILES: [&str; 9] = [
    "/etc/default/doubleslit",
    "/etc/doubleslit/doubleslit.yaml",
    "/lib/systemd/system/doubleslit.service",
    "/lib/systemd/system/doubleslit.socket",
    "/usr/bin/doubleslit",
    "/usr/share/bash-completion/completions/doubleslit",
    "/usr/share/doc/doubleslit/copyright",
    "/usr/share/fish/vendor_completions.d/doubleslit.fish",
    "/usr/share/zsh/vendor-completions/_doubleslit",
];

/// The names of the files in a directory that end like this.
fn names(directory: &Path, end: &str) -> Vec<String> {
    let entries =
        fs::read_dir(directory).expect("it is there").map(|entry| entry.expect("it can be listed").file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.ends_with(end)).collect()
}

/// The files that must be in it.
fn expected() -> BTreeSet<String> {
    let pages = tempfile::tempdir().expect("a directory can be made");
    shell::run(BINARY, ["man".as_ref(), pages.path().as_os_str()]);
    let sources = [
        (repository().join("docs"), ".md", "doc/doubleslit", ""),
        (pages.path().to_owned(), ".1", "man/man1", ".gz"),
        (repository().join("dashboards"), ".json", "doubleslit/dashboards", ""),
        (repository().join("config/prometheus"), ".rules.yml", "doubleslit/prometheus", ""),
    ];
    let mut files: BTreeSet<_> = FILES.map(str::to_owned).into();
    for name in ["CHANGELOG.md", "README.md"] {
        files.insert(format!("/usr/share/doc/doubleslit/{name}"));
    }
    for (directory, end, target, suffix) in sources {
        files.extend(names(&directory, end).iter().map(|name| format!("/usr/share/{target}/{name}{suffix}")));
    }
    files
}

/// dpkg for a root file system that has nothing yet.
fn dpkg(root: &Path, arguments: &[&str]) -> Command {
    let mut dpkg = Command::new("dpkg");
    dpkg.arg(format!("--root={}", root.display()));
    // There is nothing that scripts could run on, and none of the packages that it depends on.
    dpkg.args(["--force-script-chrootless", "--force-depends", "--force-not-root"]).args(arguments);
    dpkg.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("DEBIAN_FRONTEND", "noninteractive");
    dpkg
}

/// Everything of it below a root file system.
fn traces(root: &Path) -> Vec<PathBuf> {
    let found = shell::run(
        "find",
        [
            root.as_os_str(),
            "-name".as_ref(),
            "*doubleslit*".as_ref(),
            "-not".as_ref(),
            "-path".as_ref(),
            "*/dpkg/*".as_ref(),
        ],
    );
    found.lines().map(|path| Path::new("/").join(Path::new(path).strip_prefix(root).expect("it is below"))).collect()
}

#[test]
#[ignore = "needs dpkg"]
fn the_package_installs_runs_and_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let script = repository().join("scripts/package-deb").display().to_string();
    let package = shell::run(&script, [BINARY.as_ref(), directory.path().as_os_str()]);

    let contents = shell::run("dpkg-deb", ["--contents", &package]);
    let held = contents.lines().filter(|line| line.starts_with('-'));
    let held: BTreeSet<_> =
        held.filter_map(|line| line.split_whitespace().nth(5)?.strip_prefix('.')).map(str::to_owned).collect();
    assert_eq!(held, expected());
    assert!(contents.lines().all(|line| line.contains(" root/root ")), "{contents}");
    let control = shell::run("dpkg-deb", ["--field", &package, "Package", "Version", "Depends"]);
    let lines =
        ["Package: doubleslit", concat!("Version: ", env!("CARGO_PKG_VERSION")), "init-system-helpers", "libc6 (>= 2."];
    assert!(lines.iter().all(|line| control.contains(line)), "{control}");

    let root = directory.path().join("root");
    for name in ["info", "updates"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(name)).expect("a directory can be made");
    }
    fs::write(root.join("var/lib/dpkg/status"), "").expect("a file can be written");
    everything(&mut dpkg(&root, &["--install", &package]));
    let version = shell::run(&root.join("usr/bin/doubleslit").display().to_string(), ["--version"]);
    assert_eq!(version, concat!("doubleslit ", env!("CARGO_PKG_VERSION")));
    let config = root.join("etc/doubleslit/doubleslit.yaml");
    let check = ["run", "--config.check", "--config.file", &config.display().to_string()];
    assert_eq!(shell::run(&root.join("usr/bin/doubleslit").display().to_string(), check), "the configuration is valid");
    let enabled = root.join("etc/systemd/system/multi-user.target.wants/doubleslit.service");
    assert!(enabled.is_symlink(), "{:?}", traces(&root));
    let socket = root.join("etc/systemd/system/sockets.target.wants/doubleslit.socket");
    assert!(!socket.is_symlink(), "{:?}", traces(&root));

    // An upgrade leaves what the administrator wrote, enabled and disabled.
    fs::create_dir(socket.parent().expect("it is in a directory")).expect("a directory can be made");
    symlink("/lib/systemd/system/doubleslit.socket", &socket).expect("a link can be made");
    fs::write(&config, "log: {level: warn}\n").expect("a file can be written");
    fs::remove_file(&enabled).expect("it is there");
    everything(&mut dpkg(&root, &["--force-confold", "--install", &package]));
    assert_eq!(fs::read_to_string(&config).expect("it is there"), "log: {level: warn}\n");
    assert!(!enabled.is_symlink() && socket.is_symlink());

    everything(&mut dpkg(&root, &["--remove", "doubleslit"]));
    assert!(config.exists() && !root.join("usr/bin/doubleslit").exists());
    everything(&mut dpkg(&root, &["--purge", "doubleslit"]));
    assert_eq!(traces(&root), Vec::<PathBuf>::new());
}
