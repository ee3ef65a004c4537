//! System calls that each thread of the exporter and of its helper is made to make.

use std::{
    fs,
    io::{self, ErrorKind},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
};

use doubleslit_testbed::{
    cgroup::v2_root,
    collector::Collector,
    exporter::Exporter,
    inject::{self, Argument, Thread},
};

use super::{LAYERS, helper, layers, status};
use crate::{harness::setup, otlp::exporting};

/// A call with its name.
type Call<'a> = (&'static str, i64, Vec<Argument<'a>>);

const AT: i32 = libc::AT_FDCWD;
const CREATE: i32 = libc::O_CREAT | libc::O_WRONLY;

/// `struct open_how` that creates a file for writing.
const HOW: [u8; 24] = {
    let mut how = [0; 24];
    let [flags, mode] = [(CREATE as u64).to_ne_bytes(), 0o600_u64.to_ne_bytes()];
    let mut at = 0;
    while at < 8 {
        how[at] = flags[at];
        how[8 + at] = mode[at];
        at += 1;
    }
    how
};

/// What neither the exporter nor its helper may do. The file can be written to by everybody, the cgroup's by root.
fn never<'a>(file: &'a str, cgroup: &'a str) -> Vec<Call<'a>> {
    let open = |path, flags: i32| vec![AT.into(), Argument::from(path), flags.into(), 0o600.into()];
    let pid = 1.into();
    let (zero, four) = (|| Argument::Number(0), || Argument::Number(4096));
    vec![
        ("read shadow", libc::SYS_openat, open("/etc/shadow", libc::O_RDONLY)),
        ("read shadow by proc", libc::SYS_openat, open("/proc/self/root/etc/shadow", libc::O_RDONLY)),
        ("read shadow of process 1", libc::SYS_openat, open("/proc/1/root/etc/shadow", libc::O_RDONLY)),
        ("read the environment of process 1", libc::SYS_openat, open("/proc/1/environ", libc::O_RDONLY)),
        ("read the memory of process 1", libc::SYS_openat, open("/proc/1/mem", libc::O_RDONLY)),
        ("list root's home", libc::SYS_openat, open("/root", libc::O_RDONLY | libc::O_DIRECTORY)),
        ("create in /tmp", libc::SYS_openat, open("/tmp/ds-created", CREATE)),
        ("create in /etc", libc::SYS_openat, open("/etc/ds-created", CREATE)),
        ("create in /var/lib", libc::SYS_openat, open("/var/lib/ds-created", CREATE)),
        ("create in /dev/shm", libc::SYS_openat, open("/dev/shm/ds-created", CREATE)),
        ("create without a name", libc::SYS_openat, open("/tmp", libc::O_TMPFILE | libc::O_RDWR)),
        ("create by openat2", libc::SYS_openat2, vec![AT.into(), "/tmp/ds-created".into(), HOW[..].into(), 24.into()]),
        ("write", libc::SYS_openat, open(file, libc::O_WRONLY)),
        ("read and write", libc::SYS_openat, open(file, libc::O_RDWR)),
        ("append", libc::SYS_openat, open(file, libc::O_WRONLY | libc::O_APPEND)),
        ("cut off on opening", libc::SYS_openat, open(file, libc::O_RDONLY | libc::O_TRUNC)),
        ("write to proc", libc::SYS_openat, open("/proc/self/oom_score_adj", libc::O_WRONLY)),
        ("write to a cgroup", libc::SYS_openat, open(cgroup, libc::O_WRONLY)),
        ("write to the kernel's settings", libc::SYS_openat, open("/proc/sys/kernel/core_pattern", libc::O_WRONLY)),
        ("cut off", libc::SYS_truncate, vec![file.into(), zero()]),
        ("unlink", libc::SYS_unlink, vec![file.into()]),
        ("unlinkat", libc::SYS_unlinkat, vec![AT.into(), file.into(), zero()]),
        ("mkdir", libc::SYS_mkdirat, vec![AT.into(), "/tmp/ds-created".into(), 0o700.into()]),
        ("mknod", libc::SYS_mknodat, vec![AT.into(), "/tmp/ds-created".into(), 0o100_600.into(), zero()]),
        ("rename", libc::SYS_rename, vec![file.into(), "/tmp/ds-created".into()]),
        ("renameat2", libc::SYS_renameat2, vec![AT.into(), file.into(), AT.into(), "/tmp/ds-created".into(), zero()]),
        ("link", libc::SYS_linkat, vec![AT.into(), file.into(), AT.into(), "/tmp/ds-created".into(), zero()]),
        ("symlink", libc::SYS_symlinkat, vec!["/etc".into(), AT.into(), "/tmp/ds-created".into()]),
        ("chmod", libc::SYS_fchmodat, vec![AT.into(), file.into(), 0o777.into()]),
        ("chown", libc::SYS_fchownat, vec![AT.into(), file.into(), 1.into(), 1.into(), zero()]),
        ("set times", libc::SYS_utimensat, vec![AT.into(), file.into(), zero(), zero()]),
        ("set an attribute", libc::SYS_setxattr, vec![file.into(), "user.ds".into(), "x".into(), 1.into(), zero()]),
        ("execve", libc::SYS_execve, vec!["/bin/true".into(), zero(), zero()]),
        ("execveat", libc::SYS_execveat, vec![AT.into(), "/bin/true".into(), zero(), zero(), zero()]),
        ("fork", libc::SYS_fork, vec![]),
        ("vfork", libc::SYS_vfork, vec![]),
        ("clone", libc::SYS_clone, vec![libc::SIGCHLD.into(), zero(), zero(), zero(), zero()]),
        ("ptrace", libc::SYS_ptrace, vec![(libc::PTRACE_SEIZE as i32).into(), pid, zero(), zero()]),
        ("process_vm_readv", libc::SYS_process_vm_readv, vec![pid, zero(), zero(), zero(), zero(), zero()]),
        ("pidfd_open", libc::SYS_pidfd_open, vec![pid, zero()]),
        ("kill", libc::SYS_kill, vec![pid, zero()]),
        ("tgkill", libc::SYS_tgkill, vec![pid, pid, zero()]),
        ("mount", libc::SYS_mount, vec!["none".into(), "/mnt".into(), "tmpfs".into(), zero(), zero()]),
        ("umount", libc::SYS_umount2, vec!["/proc".into(), libc::MNT_DETACH.into()]),
        ("fsopen", libc::SYS_fsopen, vec!["tracefs".into(), zero()]),
        ("open_tree", libc::SYS_open_tree, vec![AT.into(), "/".into(), 1.into()]),
        ("chroot", libc::SYS_chroot, vec!["/tmp".into()]),
        ("pivot_root", libc::SYS_pivot_root, vec!["/tmp".into(), "/tmp".into()]),
        ("unshare", libc::SYS_unshare, vec![libc::CLONE_NEWUSER.into()]),
        ("setns", libc::SYS_setns, vec![zero(), zero()]),
        ("setuid", libc::SYS_setuid, vec![zero()]),
        ("setresuid", libc::SYS_setresuid, vec![zero(), zero(), zero()]),
        ("setgid", libc::SYS_setgid, vec![zero()]),
        ("capset", libc::SYS_capset, vec![zero(), zero()]),
        ("keep capabilities", libc::SYS_prctl, vec![libc::PR_SET_KEEPCAPS.into(), 1.into()]),
        ("be traced", libc::SYS_prctl, vec![libc::PR_SET_DUMPABLE.into(), 1.into()]),
        ("packet socket", libc::SYS_socket, vec![libc::AF_PACKET.into(), libc::SOCK_RAW.into(), zero()]),
        ("netlink socket", libc::SYS_socket, vec![libc::AF_NETLINK.into(), libc::SOCK_RAW.into(), zero()]),
        ("vsock socket", libc::SYS_socket, vec![libc::AF_VSOCK.into(), libc::SOCK_STREAM.into(), zero()]),
        ("bind", libc::SYS_bind, vec![zero(), zero(), zero()]),
        ("listen", libc::SYS_listen, vec![zero(), 1.into()]),
        (
            "map code",
            libc::SYS_mmap,
            vec![
                zero(),
                four(),
                (libc::PROT_READ | libc::PROT_EXEC).into(),
                (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS).into(),
                (-1).into(),
                zero(),
            ],
        ),
        ("make memory code", libc::SYS_mprotect, vec![zero(), four(), libc::PROT_EXEC.into()]),
        ("kexec", libc::SYS_kexec_load, vec![zero(), zero(), zero(), zero()]),
        ("init_module", libc::SYS_init_module, vec![zero(), zero(), zero()]),
        ("finit_module", libc::SYS_finit_module, vec![zero(), "".into(), zero()]),
        ("delete_module", libc::SYS_delete_module, vec!["none".into(), zero()]),
        ("reboot", libc::SYS_reboot, vec![zero(), zero(), zero(), zero()]),
        ("swapon", libc::SYS_swapon, vec!["/none".into(), zero()]),
        ("set the time", libc::SYS_settimeofday, vec![zero(), zero()]),
        ("set the name", libc::SYS_sethostname, vec!["x".into(), 1.into()]),
        ("add a key", libc::SYS_add_key, vec!["user".into(), "x".into(), "x".into(), 1.into(), (-1).into()]),
        ("io_uring", libc::SYS_io_uring_setup, vec![1.into(), zero()]),
        ("userfaultfd", libc::SYS_userfaultfd, vec![zero()]),
        ("open by handle", libc::SYS_open_by_handle_at, vec![AT.into(), zero(), zero()]),
        ("ioperm", libc::SYS_ioperm, vec![zero(), 1.into(), 1.into()]),
        ("raise a limit", libc::SYS_prlimit64, vec![zero(), zero(), [0; 16][..].into(), zero()]),
        ("ask for all programs", libc::SYS_bpf, vec![11.into(), zero(), zero()]),
        ("get a program by its id", libc::SYS_bpf, vec![13.into(), zero(), zero()]),
        ("pin", libc::SYS_bpf, vec![6.into(), zero(), zero()]),
        ("seccomp", libc::SYS_seccomp, vec![zero(), zero(), zero()]),
        ("a call that is not there", 9999, vec![]),
    ]
}

/// Says whether the kernel refused, for the reason that it is not permitted and no other.
fn is_refused(result: &io::Result<i64>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::PermissionDenied)
}

/// Has every thread of a process make calls, all of which must be refused.
fn assert_refused(what: &str, pid: i32, calls: &[Call<'_>]) {
    let threads = inject::threads(pid);
    let mut stopped = 0;
    for id in threads {
        let Some(thread) = Thread::stop(pid, id) else { continue };
        stopped += 1;
        for (name, number, arguments) in calls {
            let result = thread.call(*number, arguments);
            assert!(is_refused(&result), "thread {id} of {what}: {name}: {result:?}");
        }
    }
    assert!(stopped > 0);
}

/// An exporter with everything on that can be: events to a collector through a directory, traces, a runtime's socket.
fn with_everything(collector: &Collector, queue: &str) -> Exporter {
    let otlp = format!("logs: {{linger: 10ms, directory: '{queue}'}}");
    exporting(collector, "grpc", &otlp).start()
}

#[test]
#[ignore = "needs root and BTF"]
fn on_every_thread() {
    let collector = Collector::start();
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("file");
    fs::write(&file, "kept").expect("a file can be written");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("it is ours");
    let queue = directory.path().join("queue");
    let mut exporter = with_everything(&collector, queue.to_str().expect("UTF-8"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let helper = helper(&exporter).expect("it has one");

    let cgroup = v2_root().join("cgroup.procs");
    let calls = never(file.to_str().expect("UTF-8"), cgroup.to_str().expect("UTF-8"));
    assert_refused("the exporter", exporter.pid(), &calls);
    assert_refused("the helper", helper, &calls);
    // What the exporter may do, and its helper not.
    let [high, low] = port.to_be_bytes();
    let address = [libc::AF_INET as u8, 0, high, low, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let zero = || Argument::Number(0);
    let read_directory = libc::O_RDONLY | libc::O_DIRECTORY;
    assert_refused(
        "the helper",
        helper,
        &[
            (
                "create in the queue",
                libc::SYS_openat,
                vec![AT.into(), queue.join("0").to_str().expect("UTF-8").into(), CREATE.into(), 0o600.into()],
            ),
            ("socket", libc::SYS_socket, vec![libc::AF_INET.into(), libc::SOCK_STREAM.into(), zero()]),
            ("socket", libc::SYS_socket, vec![libc::AF_UNIX.into(), libc::SOCK_STREAM.into(), zero()]),
            ("connect", libc::SYS_connect, vec![3.into(), address[..].into(), 16.into()]),
            ("accept", libc::SYS_accept4, vec![3.into(), zero(), zero(), zero()]),
            ("map", libc::SYS_bpf, vec![1.into(), zero(), zero()]),
            ("perf_event_open", libc::SYS_perf_event_open, vec![zero(); 5]),
            (
                "list the descriptors of process 1",
                libc::SYS_openat,
                vec![AT.into(), "/proc/1/fd".into(), read_directory.into()],
            ),
        ],
    );
    for id in inject::threads(exporter.pid()) {
        let Some(thread) = Thread::stop(exporter.pid(), id) else { continue };
        let socket = thread.call(libc::SYS_socket, &[libc::AF_INET.into(), libc::SOCK_STREAM.into(), zero()]);
        let socket = socket.expect("it may speak to a collector");
        let connected = thread.call(libc::SYS_connect, &[socket.into(), address[..].into(), 16.into()]);
        assert!(is_refused(&connected), "a port that is nobody's: {connected:?}");
        thread.call(libc::SYS_close, &[socket.into()]).expect("it is open");
        let path = queue.join("injected");
        let path = path.to_str().expect("UTF-8");
        let created = thread.call(libc::SYS_openat, &[AT.into(), path.into(), CREATE.into(), 0o600.into()]);
        let created = created.expect("its queue is its own");
        thread.call(libc::SYS_write, &[created.into(), "x".into(), 1.into()]).expect("it may write there");
        thread.call(libc::SYS_close, &[created.into()]).expect("it is open");
        let removed = thread.call(libc::SYS_unlinkat, &[AT.into(), path.into(), zero()]);
        removed.expect("it may remove it again");
    }

    assert_eq!(fs::read_to_string(&file).expect("it is still there"), "kept");
    assert_eq!(fs::metadata("/tmp/ds-created").map_err(|error| error.kind()).err(), Some(ErrorKind::NotFound));
    for pid in [exporter.pid(), helper] {
        assert_eq!((status(pid, "NoNewPrivs"), status(pid, "Seccomp")), ("1".to_owned(), "2".to_owned()));
    }
    assert_eq!(status(helper, "Uid"), "65534\t65534\t65534\t65534");
    // It goes on as if nothing had happened.
    let scrape = exporter.scrape();
    assert_eq!(layers(&scrape), ["capabilities", "helper", "landlock", "no_new_privs", "seccomp"]);
    let (status, _, log) = exporter.stop();
    assert!(status.success(), "{log}");
    doubleslit_testbed::wait::until("the helper ends", || {
        (!std::path::Path::new(&format!("/proc/{helper}")).exists()).then_some(())
    });
}

/// Without traces no program is loaded any more, and without OTLP nobody is spoken to.
#[test]
#[ignore = "needs root and BTF"]
fn more_where_less_is_asked_for() {
    let mut exporter = setup().config("api: {enabled: false}").config("web: {live_events: never}").start();
    assert_eq!(helper(&exporter), None);
    let zero = || Argument::Number(0);
    assert_refused(
        "the exporter",
        exporter.pid(),
        &[
            ("load a program", libc::SYS_bpf, vec![5.into(), zero(), zero()]),
            ("make a map", libc::SYS_bpf, vec![0.into(), zero(), zero()]),
            ("attach", libc::SYS_bpf, vec![28.into(), zero(), zero()]),
            ("perf_event_open", libc::SYS_perf_event_open, vec![zero(); 5]),
            ("socket", libc::SYS_socket, vec![libc::AF_INET.into(), libc::SOCK_STREAM.into(), zero()]),
            ("socket", libc::SYS_socket, vec![libc::AF_UNIX.into(), libc::SOCK_STREAM.into(), zero()]),
            ("connect", libc::SYS_connect, vec![zero(), zero(), zero()]),
            ("rename", libc::SYS_rename, vec!["/tmp/a".into(), "/tmp/b".into()]),
        ],
    );
    let scrape = exporter.scrape();
    assert_eq!(layers(&scrape), LAYERS);
    assert_eq!(scrape.value("doubleslit_sandbox_info", &[("layer", "helper"), ("state", "off")]), Some(1.0));
    assert!(exporter.stop().0.success());
}

/// What is switched off is not taken.
#[test]
#[ignore = "needs root and BTF"]
fn only_what_is_wanted() {
    let off = setup().config("privileges: {drop: false, landlock: false, seccomp: false}");
    let mut exporter = off.start();
    let pid = exporter.pid();
    assert_eq!((status(pid, "NoNewPrivs"), status(pid, "Seccomp")), ("0".to_owned(), "0".to_owned()));
    assert_eq!(layers(&exporter.scrape()), Vec::<&str>::new());
    let thread = Thread::stop(pid, pid).expect("it runs");
    let shadow = thread.call(libc::SYS_openat, &[AT.into(), "/etc/shadow".into(), libc::O_RDONLY.into()]);
    let shadow = shadow.expect("root may");
    thread.call(libc::SYS_close, &[shadow.into()]).expect("it is open");
    drop(thread);
    assert!(exporter.stop().0.success());
}
