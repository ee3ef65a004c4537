//! Kubernetes without nodes: its API server, which takes, checks and keeps objects. Nothing runs because of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{
    markdown, shell,
    supervisor::{self, Supervisor},
    wait,
};

/// Runs both servers until its standard input ends, which it does with this process, however that ends.
const SUPERVISOR: &str = include_str!("kubernetes.sh");

/// Who may do everything.
const TOKENS: &str = "all,administrator,1,system:masters\n";

/// The directory with helm, kubectl-validate, the operator's CRDs, and Kubernetes.
#[must_use]
pub fn tools() -> PathBuf {
    let script = markdown::root().join("scripts/setup-helm");
    shell::run(&script.display().to_string(), ["--path"]).into()
}

/// A running API server, in a network of its own. Dropping it ends it and forgets its objects.
#[derive(Debug)]
pub struct Kubernetes {
    supervisor: Supervisor,
    tools: PathBuf,
    directory: TempDir,
}

impl Kubernetes {
    /// Starts it and waits until it takes objects.
    #[must_use]
    pub fn start() -> Self {
        let (tools, directory) = (tools(), TempDir::with_prefix("ds-kubernetes-").expect("a directory can be made"));
        let kubeconfig = kubeconfig(directory.path());
        for (name, text) in [("tokens", TOKENS), ("kubeconfig", kubeconfig.as_str())] {
            fs::write(directory.path().join(name), text).expect("a file can be written");
        }
        let mut script = supervisor::command("unshare");
        script.args(["--net", "sh", "-c", SUPERVISOR, "kubernetes.sh"]).arg(&tools).arg(directory.path());
        let mut kubernetes = Self { supervisor: Supervisor::start(&mut script), tools, directory };
        wait::until("the API server is ready", || {
            assert_eq!(kubernetes.supervisor.ended(), None, "{}", kubernetes.log());
            kubernetes.output("kubectl get --raw /readyz").status.success().then_some(())
        });
        kubernetes
    }

    /// Runs a command of a shell in the repository, with helm and kubectl that know this server, to its end.
    #[must_use]
    pub fn output(&self, command: &str) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let home = self.directory.path();
        let mut nsenter = Command::new("nsenter");
        nsenter.arg(format!("--net=/proc/{}/ns/net", self.supervisor.pid())).args(["bash", "-c", command]);
        nsenter.current_dir(markdown::root()).env("PATH", format!("{}:{path}", self.tools.display()));
        // Both keep what they have learnt at home.
        nsenter.env("HOME", home).env("KUBECONFIG", home.join("kubeconfig"));
        shell::output(&mut nsenter)
    }

    /// The same for a command that must succeed. Returns what it printed.
    pub fn run(&self, command: &str) -> String {
        let output = self.output(command);
        let [printed, said] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert!(output.status.success(), "`{command}` failed: {said}\n{}", self.log());
        printed
    }

    /// Writes a file and returns its path.
    #[must_use]
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).expect("a file can be written");
        path
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        format!("the API server's log ends with:\n{}", lines[lines.len().saturating_sub(5)..].join("\n"))
    }
}

/// How the server is found.
fn kubeconfig(directory: &Path) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters: [{{name: own, cluster: {{server: \"https://127.0.0.1:6443\", certificate-authority: \"{}\"}}}}]
users: [{{name: administrator, user: {{token: all}}}}]
contexts: [{{name: own, context: {{cluster: own, user: administrator}}}}]
current-context: own
",
        directory.join("certificate/apiserver.crt").display()
    )
}
