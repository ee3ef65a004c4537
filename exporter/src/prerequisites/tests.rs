use std::os::unix::fs::PermissionsExt;

use super::*;

const ROOT: &str = "Name:\tx\nCapInh:\t0000000000000000\nCapEff:\t000001ffffffffff\n";
const NOBODY: &str = "Name:\tx\nCapEff:\t0000000000000000\n";

const PURE: &str = "\
24 29 0:22 / /sys rw,nosuid - sysfs sysfs rw
30 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
35 24 0:12 / /sys/kernel/tracing rw,nosuid shared:15 - tracefs tracefs rw
";
const HYBRID: &str = "\
30 24 0:26 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
31 24 0:27 / /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory
";
const VERSION_1: &str = "31 24 0:27 / /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory\n";

fn pass(check: Check) -> String {
    match check.outcome {
        Outcome::Pass(found) => found,
        Outcome::Fail { found, way_out } => panic!("{found}, {way_out}"),
    }
}

fn refusal(check: Check) -> String {
    match check.outcome {
        Outcome::Pass(found) => panic!("{found}"),
        Outcome::Fail { found, way_out } => format!("{found}, {way_out}"),
    }
}

#[test]
fn kernels() {
    for release in ["6.1.0", "6.1.0-18-amd64", "6.18.44-fc-v657", "10.0", "6.1-rc1"] {
        assert_eq!(pass(kernel(release)), format!("`{release}` (6.1 or newer is needed)"));
    }
    for release in ["6.0.99", "5.15.0", "4.19.0-26-amd64", "", "linux"] {
        assert_eq!(refusal(kernel(release)), format!("`{release}` is too old, boot 6.1 or newer"));
    }
}

#[test]
fn type_information() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("vmlinux");
    assert_eq!(
        refusal(btf(&path)),
        format!(
            "`{}` is not readable (No such file or directory (os error 2)), boot a kernel with \
             `CONFIG_DEBUG_INFO_BTF=y`, or mount `/sys` into this container",
            path.display()
        )
    );
    fs::write(&path, "x").expect("written");
    assert_eq!(pass(btf(&path)), format!("`{}` is readable", path.display()));
}

#[test]
fn capability_sets() {
    const WAY_OUT: &str = "run it as root or grant `CAP_BPF,CAP_PERFMON` (`AmbientCapabilities=` of systemd, \
         `capabilities.add` of a container)";
    let status = |set: u64| format!("CapPrm:\tffff\nCapEff:\t{set:016x}\n");
    let (bpf, perfmon, admin) = (1 << CAP_BPF, 1 << CAP_PERFMON, 1 << CAP_SYS_ADMIN);
    for set in [bpf | perfmon, admin, bpf | admin] {
        assert_eq!(pass(capabilities(&status(set))), "`CAP_BPF` and `CAP_PERFMON` are there");
    }
    pass(capabilities(ROOT));
    for (status, lacking) in [
        (status(bpf), "`CAP_PERFMON`"),
        (status(perfmon), "`CAP_BPF`"),
        (NOBODY.to_owned(), "`CAP_BPF` and `CAP_PERFMON`"),
        (String::new(), "`CAP_BPF` and `CAP_PERFMON`"),
    ] {
        assert_eq!(refusal(capabilities(&status)), format!("{lacking} missing, {WAY_OUT}"));
    }
}

#[test]
fn user_namespaces() {
    pass(user_namespace("         0          0 4294967295\n"));
    assert_eq!(
        refusal(user_namespace("         0       1000          1\n         1     100000      65536\n")),
        "this process is in another one, where capabilities do not reach the kernel, \
         run it outside rootless containers and `unshare --user`"
    );
}

#[test]
fn hierarchies() {
    let at_root = |mounts: &str| cgroup2(mounts, Path::new("/"));
    assert_eq!(pass(at_root(PURE)), "`/sys/fs/cgroup`");
    assert_eq!(pass(at_root(HYBRID)), "`/sys/fs/cgroup/unified`, beside hierarchies of version 1");
    for mounts in [VERSION_1, "", "nonsense - ", "a - cgroup2"] {
        let outcome = at_root(mounts).outcome;
        assert!(matches!(outcome, Outcome::Fail { .. }), "{mounts}: {outcome:?}");
    }
    assert_eq!(
        refusal(at_root(VERSION_1)),
        "the hierarchy of version 2 is not mounted below `/`, boot with `systemd.unified_cgroup_hierarchy=1`, \
         or mount `/sys/fs/cgroup` into this container"
    );
}

#[test]
fn hierarchies_of_a_machine_below_a_directory() {
    let below = PURE.replace(" / /sys", " / /host/sys");
    assert_eq!(pass(cgroup2(&format!("{PURE}{below}"), Path::new("/host"))), "`/host/sys/fs/cgroup`");
    assert_eq!(
        refusal(cgroup2(PURE, Path::new("/host"))),
        "the hierarchy of version 2 is not mounted below `/host`, boot with `systemd.unified_cgroup_hierarchy=1`, \
         or mount `/sys/fs/cgroup` into this container"
    );
}

#[test]
fn tracepoint_files() {
    assert_eq!(pass(tracefs(PURE)), "`/sys/kernel/tracing`");
    assert!(!tracefs(HYBRID).required);
    assert_eq!(
        refusal(tracefs(HYBRID)),
        "it is not mounted; no probe needs it, and for named tracepoints it is mounted at no place, `mount -t tracefs tracefs \
         /sys/kernel/tracing` where `CAP_SYS_ADMIN` is missing"
    );
}

#[test]
fn docker_state() {
    let directory = tempfile::tempdir().expect("a directory");
    let containers = directory.path().join("containers");
    assert_eq!(
        refusal(docker(directory.path(), ROOT)),
        format!(
            "`{}` is not there, nothing to do unless docker runs here: set `identity.docker_root`",
            containers.display()
        )
    );
    fs::create_dir(&containers).expect("created");
    assert_eq!(pass(docker(directory.path(), NOBODY)), format!("`{}` is readable", containers.display()));
    fs::set_permissions(&containers, fs::Permissions::from_mode(0o000)).expect("set");
    if fs::read_dir(&containers).is_ok() {
        eprintln!("skipped the rest: this user may read everything");
        return;
    }
    assert_eq!(
        refusal(docker(directory.path(), NOBODY)),
        format!(
            "`{}` is not readable (Permission denied (os error 13)), \
             grant `CAP_DAC_READ_SEARCH`, without which docker's containers have no names",
            containers.display()
        )
    );
}

/// A machine in a directory.
fn machine(status: &str, mounts: &str) -> (tempfile::TempDir, Roots) {
    let directory = tempfile::tempdir().expect("a directory");
    let roots = Roots {
        proc: directory.path().join("proc"),
        sys: directory.path().join("sys"),
        host: "/".into(),
        docker: directory.path().join("docker"),
    };
    for (path, text) in [
        (roots.proc.join("self/status"), status),
        (roots.proc.join("self/mountinfo"), mounts),
        (roots.proc.join("self/uid_map"), "0 0 4294967295\n"),
        (roots.proc.join("sys/kernel/osrelease"), "6.1.0\n"),
        (roots.sys.join("kernel/btf/vmlinux"), ""),
        (roots.docker.join("containers/x"), ""),
    ] {
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }
    (directory, roots)
}

#[test]
fn whole_machines() {
    let (_directory, roots) = machine(ROOT, PURE);
    let checks = all(&roots);
    assert!(checks.iter().all(|check| matches!(check.outcome, Outcome::Pass(_))), "{checks:?}");
    assert_eq!(missing(&checks), None);

    // What is optional stops nothing.
    let (_directory, roots) = machine(ROOT, HYBRID);
    assert_eq!(missing(&all(&roots)), None);

    let (_directory, roots) = machine(NOBODY, VERSION_1);
    assert_eq!(
        missing(&all(&roots)),
        Some(
            "capabilities: `CAP_BPF` and `CAP_PERFMON` missing, run it as root or grant `CAP_BPF,CAP_PERFMON` \
             (`AmbientCapabilities=` of systemd, `capabilities.add` of a container); \
             cgroup v2: the hierarchy of version 2 is not mounted below `/`, boot with `systemd.unified_cgroup_hierarchy=1`, \
             or mount `/sys/fs/cgroup` into this container"
                .to_owned()
        )
    );
}
