//! The unit, under a real systemd.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use doubleslit_testbed::{
    booted::Booted,
    docker::{Docker, Hierarchy},
    documented::blocks,
    exporter,
    http::Connection,
    scrape::{Rows, Scrape},
    shell,
};

use crate::harness::{ACCEPT, BINARY, everything, repository};

const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// What is documented of it.
const DOCUMENT: &str = include_str!("../../../docs/rollout.md");

/// What differs from a machine where the package is installed: another place, no other units, a log that can be read from outside.
const DROP_IN: &str = "\
    [Unit]\nDefaultDependencies=no\n\
    [Service]\nExecStart=\nExecStart=/doubleslit run --config.file=/etc/doubleslit/doubleslit.yaml $ARGS\n\
    ExecReload=\nExecReload=/doubleslit reload\n\
    StandardOutput=append:/log\nStandardError=append:/log\n";

fn unit() -> String {
    packaged("doubleslit.service")
}

fn packaged(name: &str) -> String {
    fs::read_to_string(repository().join("packaging/systemd").join(name)).expect("the unit is there")
}

#[test]
#[ignore = "needs root and BTF"]
fn the_unit_serves_exact_counts() {
    let docker = Docker::start(Hierarchy::Host);
    let mut load = docker.load("alpha", &[]);
    let units = [("doubleslit.service", unit()), ("doubleslit.service.d/test.conf", DROP_IN.to_owned())];
    let units: Vec<_> = units.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let mounts = [(Path::new(BINARY), "/doubleslit"), (&docker.data_root(), "/var/lib/docker")];
    let machine = Booted::start(&units, &mounts);
    let systemctl = |command: &[&str]| machine.run(&[&["/usr/bin/systemctl"], command].concat());
    let property = |name: &str| systemctl(&["show", "--value", "--property", name, "doubleslit.service"]);
    let address = exporter::free_address();
    machine.write("/etc/default/doubleslit", &format!("ARGS=--web.listen-address={address}\n"));
    machine.write("/etc/doubleslit/doubleslit.yaml", "poll: {max_age: 0s}\n");

    // Comes back when the exporter has said that it serves, and fails when that does not come.
    let start = machine.command(&["/usr/bin/systemctl", "start", "doubleslit"]);
    assert!(start.status.success(), "{start:?}\n{}", machine.read("/log"));
    let scrape = || {
        let response = Connection::open(address).and_then(|mut connection| connection.get("/metrics", &[ACCEPT]));
        Scrape::parse(&response.unwrap_or_else(|error| panic!("{error}: {}", machine.read("/log"))).text())
    };
    let before = scrape();
    // It reads the engine's files, which are root's.
    let named = [("container", "alpha"), ("container_id", load.id.as_str())];
    assert_eq!(before.value("doubleslit_container_info", &named), Some(1.0), "{}", machine.read("/log"));
    load.load.run("exec 500");
    let change = scrape().since(&before);
    let expected = Rows::of([("process_execs", 500), ("process_forks", 500), ("process_exits outcome=success", 500)]);
    let labels = [("container_id", load.id.as_str())];
    assert_eq!(change.rows(&labels).only(&["process_"]), expected, "{}", machine.read("/log"));

    // It is nobody, and may do what the unit says.
    let status = machine.run(&["/bin/busybox", "cat", &format!("/proc/{}/status", property("MainPID"))]);
    let field = |name: &str| {
        let found = status.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_else(|| panic!("no {name} {status}")).trim().to_owned()
    };
    assert_ne!(field("Uid:").split_whitespace().next(), Some("0"), "{status}");
    assert_eq!((field("NoNewPrivs:").as_str(), field("Seccomp:").as_str()), ("1", "2"), "{status}");
    let allowed = [CAP_DAC_READ_SEARCH, CAP_PERFMON, CAP_BPF].map(|capability| 1_u64 << capability).iter().sum::<u64>();
    for set in ["CapPrm:", "CapBnd:", "CapAmb:"] {
        let set = u64::from_str_radix(&field(set), 16).expect("a mask");
        assert_eq!(set & !allowed, 0, "{status}");
    }

    // A configuration that is right is taken over, and systemd is told of one that is not. It goes on in any case.
    for (level, is_right) in [("debug", true), ("loud", false), ("warn", true)] {
        machine.write("/etc/doubleslit/doubleslit.yaml", &format!("poll: {{max_age: 0s}}\nlog: {{level: {level}}}\n"));
        let reload = machine.command(&["/usr/bin/systemctl", "reload", "doubleslit"]);
        assert_eq!(reload.status.success(), is_right, "{reload:?}\n{}", machine.read("/log"));
        assert_eq!(property("ActiveState"), "active", "{}", machine.read("/log"));
        assert_eq!(scrape().sum("doubleslit_config_last_reload_successful", &[]), f64::from(u8::from(is_right)));
    }

    systemctl(&["stop", "doubleslit"]);
    assert_eq!(
        (property("Result").as_str(), property("ExecMainStatus").as_str()),
        ("success", "0"),
        "{}",
        machine.read("/log")
    );
}

/// Asks again and again, each time by a connection of its own, until it is enough. Returns how often there was an answer, and how often
/// the connection was closed before.
fn ask_until(address: SocketAddr, is_enough: &AtomicBool) -> [usize; 2] {
    let [mut answered, mut closed] = [0; 2];
    while !is_enough.load(Ordering::Relaxed) {
        let mut connection = Connection::open(address).expect("nobody is refused");
        match connection.get("/-/healthy", &[]) {
            Ok(answer) => {
                assert_eq!(answer.status, 200);
                answered += 1;
            }
            Err(_) => closed += 1,
        }
    }
    [answered, closed]
}

#[test]
#[ignore = "needs root and BTF"]
fn the_socket_outlives_the_service() {
    const RESTARTS: usize = 3;
    let address = exporter::free_address();
    let drop_in = format!("[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=\nListenStream={address}\n");
    let units = [
        ("doubleslit.service", unit()),
        ("doubleslit.service.d/test.conf", DROP_IN.to_owned()),
        ("doubleslit.socket", packaged("doubleslit.socket")),
        ("doubleslit.socket.d/test.conf", drop_in),
    ];
    let units: Vec<_> = units.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let machine = Booted::start(&units, &[(Path::new(BINARY), "/doubleslit")]);
    let systemctl = |command: &[&str]| machine.run(&[&["/usr/bin/systemctl"], command].concat());
    let property = |name: &str| systemctl(&["show", "--value", "--property", name, "doubleslit.service"]);
    // Its own address would be refused, because somebody listens there.
    machine.write("/etc/default/doubleslit", &format!("ARGS=--web.listen-address={address}\n"));
    machine.write("/etc/doubleslit/doubleslit.yaml", "poll: {max_age: 0s}\n");

    systemctl(&["start", "doubleslit.socket"]);
    assert_eq!(property("ActiveState"), "inactive");
    let scrape = || {
        let response = Connection::open(address).and_then(|mut connection| connection.get("/metrics", &[ACCEPT]));
        Scrape::parse(&response.unwrap_or_else(|error| panic!("{error}: {}", machine.read("/log"))).text())
    };
    // Whoever asks starts it.
    assert_eq!(scrape().sum("doubleslit_build_info", &[]), 1.0);
    let first = property("MainPID");

    let is_enough = AtomicBool::new(false);
    let [answered, closed] = thread::scope(|scope| {
        let asking = scope.spawn(|| ask_until(address, &is_enough));
        for _ in 0..RESTARTS {
            systemctl(&["restart", "doubleslit.service"]);
        }
        is_enough.store(true, Ordering::Relaxed);
        asking.join().expect("nobody was refused")
    });
    // Whom it has accepted and not heard yet when it ends, it closes: one at most of those who come one after the other.
    assert!(answered > RESTARTS && closed <= RESTARTS, "{answered} were answered, {closed} were not");
    assert_eq!(property("ActiveState"), "active", "{}", machine.read("/log"));
    assert_ne!(property("MainPID"), first);
    assert_eq!(scrape().sum("doubleslit_build_info", &[]), 1.0);

    // Without the socket it listens itself.
    systemctl(&["stop", "doubleslit.socket", "doubleslit.service"]);
    systemctl(&["start", "doubleslit.service"]);
    assert_eq!(systemctl(&["show", "--value", "--property=ActiveState", "doubleslit.socket"]), "inactive");
    assert_eq!(scrape().sum("doubleslit_build_info", &[]), 1.0);
}

#[test]
#[ignore = "needs systemd"]
fn the_score_is_the_documented_one() {
    let path = repository().join("packaging/systemd/doubleslit.service");
    let said = shell::run("systemd-analyze", ["security".as_ref(), "--offline=true".as_ref(), path.as_os_str()]);
    let score =
        said.split("Overall exposure level for doubleslit.service: ").nth(1).and_then(|rest| rest.split(' ').next());
    let score = score.unwrap_or_else(|| panic!("no score: {said}"));
    assert!(DOCUMENT.contains(&format!("exposure level of {score} ")), "it is {score}");
}

/// What systemd says of the unit with this name where it is installed, with a drop-in. The units are changed before.
fn verified(name: &str, drop_in: &str, change: impl Fn(String) -> String) -> String {
    let directory = tempfile::tempdir().expect("a directory can be made");
    for (name, text) in [("doubleslit.service", unit()), ("doubleslit.socket", packaged("doubleslit.socket"))] {
        let text = change(text.replace("/usr/bin/doubleslit", BINARY));
        fs::write(directory.path().join(name), text).expect("a file can be written");
    }
    let drop_ins = directory.path().join(format!("{name}.d"));
    fs::create_dir(&drop_ins).expect("a directory can be made");
    fs::write(drop_ins.join("override.conf"), drop_in).expect("a file can be written");
    everything(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(directory.path().join(name)))
}

#[test]
#[ignore = "needs systemd"]
fn systemd_finds_nothing_wrong() {
    let [service, socket] = ["doubleslit.service", "doubleslit.socket"];
    for (name, before, added) in [(service, "[Service]", "ProtectClocks"), (socket, "[Socket]", "Backlogs")] {
        assert_eq!(verified(name, "", |unit| unit), "");
        let wrong = |unit: String| unit.replace(before, &format!("{before}\n{added}=7"));
        assert!(verified(name, "", wrong).contains(added), "{name}");
    }
    for block in blocks(&["ini"]) {
        let name = if block.text.starts_with("[Socket]") { socket } else { service };
        assert_eq!(verified(name, &block.text, |unit| unit), "", "{block}");
    }
}
