//! Where the commands are run: in the repository, with mounts and a network of their own, beside containers
//! that do what the texts are about. What they write into the repository, into cargo's directory and into the system, nobody else sees. An exporter runs there unless a command is one itself.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use doubleslit_testbed::{
    docker::{Docker, IMAGE},
    markdown, shell, sys, wait,
};
use tempfile::TempDir;

use super::stream;
use crate::harness::BINARY;

/// Gives up its mounts and its network when its input ends, which is with this process. Arguments: where what is written is kept, the
/// repository, and the directory that cargo builds in, of which the repository's own one is another name.
const KEEPER: &str = r#"set -e
ip link set lo up
mkdir -p /run/doubleslit
mount -t tmpfs tmpfs /run/doubleslit
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs tmpfs "$1"
kept=$1 count=0
keep_apart() {
    count=$((count + 1))
    mkdir -p "$kept/$count/upper" "$kept/$count/work"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$kept/$count/upper,workdir=$kept/$count/work" "$1"
}
keep_apart /usr
keep_apart /etc
keep_apart "$2"
if [ "$3" != "$2/target" ]; then
    keep_apart "$3"
    mkdir -p "$2/target"
    mount --bind "$3" "$2/target"
fi
echo ready
exec cat >/dev/null"#;

/// How long a command may take. Some build, some run tests or measure.
const PATIENCE: Duration = Duration::from_secs(9 * 60);

/// Does again and again what the texts watch: programs, deadly signals, files that are there, that are not, and may not be written.
const BUSY: &str = "trap : USR1
while :; do
    /bin/sh -c 'echo hi' >/dev/null
    /bin/sleep 100 & /bin/true; kill -9 $!; wait $!
    kill -USR1 $$
    (: 3<>/etc/hosts; : </etc/hosts; : </missing) 2>/dev/null
    sleep 0.2
done";

/// Connects where nobody listens.
const REFUSED: &str = "while :; do /doubleslit-load connect-refused 127.0.0.1 9 3; sleep 0.2; done";

/// The containers of the texts. They are removed when this is dropped.
pub(super) struct Workload<'a> {
    docker: &'a Docker,
    ids: Vec<String>,
}

impl<'a> Workload<'a> {
    pub(super) fn start(docker: &'a Docker) -> Self {
        let mut workload = Self { docker, ids: Vec::new() };
        for (name, image, options, script) in [
            ("web", "shop/web:1.4", &[][..], BUSY),
            ("web-1", "shop/web:1.4", &["--user=1000", "--label=com.example/team=blue"], BUSY),
            ("db", "postgres:16", &[], REFUSED),
        ] {
            docker.cli(["tag", IMAGE, image]);
            let named = ["run", "--detach", "--init=false", "--network=none", "--name", name];
            workload.ids.push(docker.cli([&named, options, &[image, "sh", "-c", script]].concat()));
        }
        workload
    }
}

impl Drop for Workload<'_> {
    fn drop(&mut self) {
        self.ids.iter().for_each(|id| self.docker.remove(id));
    }
}

/// Whether a command is an exporter that goes on.
pub(super) fn is_exporter(command: &str) -> bool {
    command.starts_with("make run") || command.contains("doubleslit run") && !command.contains("--config.check")
}

/// The place. What runs there ends when this is dropped.
pub(super) struct Place {
    keeper: Child,
    directory: TempDir,
    variables: BTreeMap<&'static str, String>,
    exporter: Option<Child>,
}

impl Place {
    pub(super) fn new(docker: &Docker) -> Self {
        let directory = TempDir::with_prefix("ds-guide-").expect("a directory can be made");
        let [bin, kept] = ["bin", "kept"].map(|name| directory.path().join(name));
        for directory in [&bin, &kept] {
            fs::create_dir(directory).expect("a directory can be made");
        }
        let target = Path::new(BINARY).ancestors().nth(2).expect("it is built in a directory").to_owned();
        symlink(BINARY, bin.join("doubleslit")).expect("a link can be made");
        // Root needs no sudo, and there need not be any. An answer that is a refusal is no success.
        script(&bin.join("sudo"), "[ \"$1\" != -E ] || shift; exec env \"$@\"");
        script(&bin.join("curl"), "exec /usr/bin/curl --silent --show-error --fail-with-body \"$@\"");

        let mut keeper = Command::new("unshare")
            .args(["--mount", "--net", "--propagation=private", "sh", "-c", KEEPER, "keeper"])
            .arg(&kept)
            .arg(markdown::root())
            .arg(&target)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare can be run");
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().expect("it is piped")).read_line(&mut line).expect("text");
        assert_eq!(line, "ready\n");
        let path = std::env::var("PATH").unwrap_or_default();
        let variables = BTreeMap::from([
            ("PATH", format!("{}:{path}", bin.display())),
            ("DOUBLESLIT_IDENTITY__DOCKER_ROOT", docker.data_root().display().to_string()),
            ("CARGO_TARGET_DIR", target.display().to_string()),
        ]);
        Self { keeper, directory, variables, exporter: None }
    }

    /// What `nsenter` is told so that a command runs here. The command is in the place of its shell, if it is one alone.
    pub(super) fn arguments(&mut self, command: &str) -> Vec<String> {
        if !is_exporter(command) {
            self.await_exporter();
        }
        self.entered(command)
    }

    /// The variables that commands have here.
    pub(super) fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Runs a command to its end, and returns what it printed. Panics when it fails.
    pub(super) fn run(&mut self, command: &str, what: &str) -> String {
        let arguments = self.arguments(command);
        let output = shell::output_within(PATIENCE, self.command().args(arguments));
        let output = output.unwrap_or_else(|| panic!("{what} did not end in {PATIENCE:?}"));
        let [printed, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{what} ended with {}:\n{printed}\n{error}", output.status);
        printed
    }

    /// Runs a command that is an exporter until it is ready, and ends it.
    pub(super) fn run_exporter(&mut self, command: &str, what: &str) {
        self.end_exporter();
        self.start_exporter(command);
        let status = self.end_exporter();
        let is_fine: fn(ExitStatus) -> bool =
            if command.starts_with("make") { stream::is_fine } else { |status| status.success() };
        assert!(status.is_some_and(is_fine), "{what} ended with {status:?}");
    }

    /// `nsenter`, to be given arguments.
    fn command(&self) -> Command {
        let mut command = Command::new("nsenter");
        shell::as_without_cargo(&mut command).envs(self.variables());
        command
    }

    fn entered(&self, command: &str) -> Vec<String> {
        let exec = if command.contains('|') { "" } else { "exec " };
        let pid = self.keeper.id();
        vec![
            format!("--mount=/proc/{pid}/ns/mnt"),
            format!("--net=/proc/{pid}/ns/net"),
            "bash".to_owned(),
            "-c".to_owned(),
            format!("cd {}; {exec}{command}", markdown::root().display()),
        ]
    }

    fn await_exporter(&mut self) {
        if self.exporter.is_none() {
            self.start_exporter("doubleslit run");
        }
    }

    fn start_exporter(&mut self, command: &str) {
        let log: PathBuf = self.directory.path().join("log");
        let output = fs::File::create(&log).expect("a file can be written");
        let mut child = self
            .command()
            .args(self.entered(command))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file can be shared"))
            .stderr(output)
            .spawn()
            .expect("nsenter can be run");
        let ready = self.entered("curl 127.0.0.1:10435/-/ready");
        wait::until("the exporter is ready", || {
            let ended = child.try_wait().expect("it is a child");
            assert!(ended.is_none(), "`{command}`: {ended:?}\n{}", fs::read_to_string(&log).unwrap_or_default());
            shell::output(self.command().args(&ready)).status.success().then_some(())
        });
        self.exporter = Some(child);
    }

    fn end_exporter(&mut self) -> Option<ExitStatus> {
        let mut child = self.exporter.take()?;
        // As the terminal does: also to what has started it.
        sys::send(-child.id().cast_signed(), libc::SIGINT).expect("it runs");
        Some(wait::until("the exporter ends", || child.try_wait().expect("it is a child")))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut child) = self.exporter.take() {
            drop(sys::send(-child.id().cast_signed(), libc::SIGKILL));
            drop(child.wait());
        }
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}

fn script(path: &Path, line: &str) {
    fs::write(path, format!("#!/bin/sh\n{line}\n")).expect("a file can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its owner may");
}
