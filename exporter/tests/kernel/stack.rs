//! The demo, all of it, as docker-compose.yml begins it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use doubleslit_testbed::{dashboard::Dashboard, docker::Docker, http::Connection, shell, wait};
use serde_json::Value;

use crate::{harness::BINARY, prometheus::Client};

/// How long it may take until everything shows something.
const PATIENCE: Duration = Duration::from_secs(120);

/// Over how long rates are: a few scrapes.
const WINDOW: &str = "30s";

/// Where Grafana and Prometheus are published.
const GRAFANA: ([u8; 4], u16) = ([127, 0, 0, 1], 3000);
const PROMETHEUS: ([u8; 4], u16) = ([127, 0, 0, 1], 9090);

/// The capabilities that the exporter is given: CAP_DAC_READ_SEARCH and CAP_SYS_ADMIN.
const CAPABILITIES: u64 = 1 << 2 | 1 << 21;

/// The alerts that the workloads are there for.
const ALERTS: [&str; 5] =
    ["ConnectionsFail", "ContainerCrashLoop", "ContainerOutOfMemory", "KilledByAnotherContainer", "SystemCallsFail"];

/// Events that the collector gets, each of a container.
const EVENTS: [(&str, &str); 7] = [
    ("doubleslit.container.start", "demo-crash"),
    ("doubleslit.container.stop", "demo-crash"),
    ("doubleslit.process.exec", "demo-exec-loop"),
    ("doubleslit.process.oom_kill", "demo-hungry"),
    ("doubleslit.signal.generate", "demo-target"),
    ("doubleslit.socket.state_change", "demo-client"),
    ("doubleslit.socket.state_change", "demo-server"),
];

/// The services, on an engine of their own. They end with it.
struct Stack {
    docker: Docker,
    project: PathBuf,
}

impl Stack {
    /// Begins everything. Returns when all that has a health check is healthy.
    fn up() -> Self {
        let docker = Docker::start_with_networks();
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("it is there");
        let stack = Self { docker, project };
        stack.run(stack.docker.other(stack.project.join("scripts/setup-demo-images")).arg(BINARY));
        stack.run(&mut stack.compose(&["up", "--detach", "--no-build"]));
        wait::within(PATIENCE, "every service is healthy", || {
            let states = stack.docker.cli(["ps", "--format", "{{.Names}} {{.Status}}"]);
            (!states.contains("(health: starting)") && !states.contains("(unhealthy)")).then_some(())
        });
        stack
    }

    fn compose(&self, arguments: &[&str]) -> Command {
        let mut command = self.docker.other("docker-compose");
        command.env("DOCKER_ROOT", self.docker.data_root()).current_dir(&self.project);
        command.args(["--project-name", "demo-test"]).args(arguments);
        command
    }

    fn run(&self, command: &mut Command) -> String {
        self.docker.printed_within(PATIENCE, command).unwrap_or_else(|| panic!("{command:?} does not end"))
    }

    fn prometheus(&self) -> Client {
        Client::in_network_of(self.docker.pid(), PROMETHEUS.into())
    }

    /// What `docker inspect` says of a service's container.
    fn inspect(&self, service: &str, template: &str) -> String {
        let container = self.run(&mut self.compose(&["ps", "--quiet", service]));
        self.docker.inspect(&container, template)
    }
}

#[test]
#[ignore = "needs root and BTF"]
fn the_demo_shows_what_it_promises() {
    let stack = Stack::up();
    assert_least_privilege(&stack);
    let prometheus = stack.prometheus();
    assert_targets_are_up(&prometheus);
    assert_dashboards_are_provisioned(&stack);
    assert_panels_show_something(&prometheus);
    assert_rules_work(&prometheus);
    assert_collector_has_events(&stack);
    stack.run(&mut stack.compose(&["down", "--volumes"]));
    assert_eq!(stack.docker.cli(["ps", "--all", "--quiet"]), "", "containers are left");
}

/// Nothing is privileged, all is read-only, and only this machine reaches the ports.
fn assert_least_privilege(stack: &Stack) {
    let services = stack.run(&mut stack.compose(&["config", "--services"]));
    for service in services.lines() {
        let host: Value = serde_json::from_str(&stack.inspect(service, "{{json .HostConfig}}")).expect("JSON");
        assert_eq!(host["Privileged"], false, "{service}");
        assert_eq!(host["ReadonlyRootfs"], true, "{service}");
        assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]), "{service}");
        assert_eq!(host["CapAdd"].is_null(), service != "doubleslit", "{service}");
        let ports = host["PortBindings"].as_object().expect("ports");
        for published in ports.values().flat_map(|list| list.as_array().expect("a list")) {
            assert_eq!(published["HostIp"], "127.0.0.1", "{service}");
        }
    }
    let pid = stack.inspect("doubleslit", "{{.State.Pid}}");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the exporter runs");
    for set in ["CapBnd", "CapPrm", "CapEff"] {
        let line = status.lines().find_map(|line| line.strip_prefix(set)?.strip_prefix(":\t")).expect("a set");
        let capabilities = u64::from_str_radix(line, 16).expect("a hexadecimal number");
        assert_eq!(capabilities & !CAPABILITIES, 0, "{set} has more than it needs: {line}");
    }
}

fn assert_targets_are_up(prometheus: &Client) {
    let mut last = Value::Null;
    let jobs: BTreeSet<_> = wait::within(PATIENCE, "every target is up", || {
        last = prometheus.get("/api/v1/targets")?;
        let targets = last["activeTargets"].as_array()?;
        println!("{targets:?}");
        targets
            .iter()
            .all(|target| target["health"] == "up")
            .then(|| targets.iter().map(|target| target["labels"]["job"].as_str().expect("a job").to_owned()).collect())
    });
    assert_eq!(jobs, ["collector", "doubleslit", "grafana", "prometheus"].map(str::to_owned).into());
}

fn assert_dashboards_are_provisioned(stack: &Stack) {
    let mut grafana = Connection::open_in_network_of(stack.docker.pid(), GRAFANA.into()).expect("Grafana listens");
    let answer = grafana.get("/api/search?type=dash-db", &[]).expect("Grafana answers");
    let found: Value = serde_json::from_str(&answer.text()).expect("JSON");
    let found: BTreeSet<_> = found.as_array().expect("a list").iter().map(|one| one["uid"].to_string()).collect();
    assert_eq!(found, Dashboard::all().iter().map(|dashboard| dashboard.json["uid"].to_string()).collect());
}

fn assert_panels_show_something(prometheus: &Client) {
    let mut missing: Vec<(String, String)> = Vec::new();
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels() {
            let what = format!("{} in {}", panel["title"], dashboard.file);
            missing.extend(dashboard.expressions(panel, WINDOW).into_iter().map(|asked| (what.clone(), asked)));
        }
        for variable in dashboard.variables() {
            let (selector, label) = dashboard.values(variable);
            missing.push((
                format!("{} in {}", variable["name"], dashboard.file),
                format!("count by ({label}) ({selector})"),
            ));
        }
    }
    assert!(missing.len() > 150, "{missing:#?}");
    let shows = |expression: &str| {
        let values = prometheus.values(expression).unwrap_or_default();
        values.iter().any(|value| value.is_finite())
    };
    wait::within(PATIENCE, "every panel shows something", || {
        missing.retain(|(_, expression)| !shows(expression));
        println!("nothing yet: {missing:#?}");
        missing.is_empty().then_some(())
    });
}

/// Every rule can be evaluated, what is recorded is there, the alerts that should come do, and none about the exporter fires.
fn assert_rules_work(prometheus: &Client) {
    let mut states = BTreeMap::new();
    wait::within(PATIENCE, "the alerts have come", || {
        let groups = prometheus.get("/api/v1/rules")?;
        let groups = groups["groups"].as_array().expect("groups");
        for rule in groups.iter().flat_map(|group| group["rules"].as_array().expect("rules")) {
            let (name, kind) = (rule["name"].as_str().expect("a name"), rule["type"].as_str().expect("a type"));
            assert_ne!(rule["health"], "err", "{rule}");
            let state = match kind {
                "alerting" => rule["state"].as_str().expect("a state").to_owned(),
                _ => prometheus.query(name).map_or("missing", |_| "recorded").to_owned(),
            };
            states.insert(name.to_owned(), state);
        }
        println!("{states:?}");
        let has_come = |name: &&str| ["pending", "firing"].contains(&states[*name].as_str());
        (ALERTS.iter().all(has_come) && !states.values().any(|state| state == "missing")).then_some(())
    });
    // Containers of other engines, which other tests have, are without names and make one of them pending.
    let trouble: Vec<_> =
        states.iter().filter(|(name, state)| name.starts_with("Doubleslit") && *state == "firing").collect();
    assert!(trouble.is_empty(), "{trouble:?}");
}

/// The collector prints events with the names of their containers.
fn assert_collector_has_events(stack: &Stack) {
    let mut missing: BTreeSet<_> = EVENTS.into();
    wait::within(PATIENCE, "the collector has events of every kind", || {
        let output = stack.run(&mut stack.compose(&["logs", "--no-color", "collector"]));
        let mut event = "";
        for line in output.lines() {
            if let Some((_, name)) = line.split_once("EventName: ") {
                event = name;
            } else if let Some((_, name)) = line.split_once("-> container.name: Str(") {
                missing.retain(|one| *one != (event, name.trim_end_matches(')')));
            }
        }
        println!("nothing yet: {missing:?}");
        missing.is_empty().then_some(())
    });
}

#[test]
#[ignore = "needs Prometheus"]
fn alerts_come_when_they_should() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/prometheus");
    for arguments in [["check", "rules", "doubleslit.rules.yml"], ["test", "rules", "doubleslit.test.yml"]] {
        let output = shell::output(Command::new("promtool").args(arguments).current_dir(&rules));
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{arguments:?}: {said:?}");
    }
}
