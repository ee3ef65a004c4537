//! The Helm chart, rendered by the real helm, against the schemas of Kubernetes and of the Prometheus operator.

use std::{fs, process::Command};

use doubleslit_testbed::{collector::Authority, kubernetes::tools, password::HASH, shell};
use serde_json::{Value, json};

use crate::harness::{BINARY, everything, repository, yaml};

/// helm with a command for the chart; it is told the version of a cluster that it does not have.
fn helm(command: &[&str], values: &Value) -> Command {
    let mut helm = Command::new(tools().join("helm"));
    helm.args(command).arg(repository().join("deploy/helm/doubleslit")).args(["--kube-version", "1.30"]);
    for (key, value) in values.as_object().expect("an object") {
        helm.args(["--set-json", &format!("{key}={value}")]);
    }
    helm
}

/// What the chart makes with these values.
pub(crate) fn rendered(values: &Value) -> String {
    let output = shell::output(&mut helm(&["template", "doubleslit", "--namespace", "monitoring"], values));
    assert!(output.status.success(), "{values}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a text")
}

/// The object of a kind.
pub(crate) fn object(manifests: &str, kind: &str) -> Value {
    let mut found = manifests.split("\n---\n").map(yaml).filter(|object| object["kind"] == kind);
    let object = found.next().unwrap_or_else(|| panic!("no {kind}: {manifests}"));
    assert_eq!(found.next(), None, "one {kind}");
    object
}

/// Whether the schemas allow what is written; what is said if not.
fn validate(manifests: &str, version: &str) -> Result<(), String> {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("manifests.yaml");
    fs::write(&path, manifests).expect("a file can be written");
    let tools = tools();
    let mut command = Command::new(tools.join("kubectl-validate"));
    command.args(["--version", version, "--local-crds"]).arg(tools.join("crds")).arg(&path);
    let output = shell::output(&mut command);
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// The values that are documented.
fn documented() -> [Value; 2] {
    let blocks = include_str!("../../../docs/rollout.md").split("```yaml helm\n").skip(1);
    let values: Vec<_> = blocks.map(|block| yaml(block.split("```").next().unwrap_or_default())).collect();
    values.try_into().expect("two blocks of values")
}

/// What different people set, and the kinds of objects that they get.
fn settings() -> Vec<(Value, &'static [&'static str])> {
    let usual = &["ServiceAccount", "ConfigMap", "DaemonSet"][..];
    let [with_operator, with_passwords] = documented();
    vec![
        (json!({}), usual),
        (with_operator, &["ServiceAccount", "ConfigMap", "DaemonSet", "PodMonitor", "PrometheusRule", "NetworkPolicy"]),
        (with_passwords, &["ServiceAccount", "Secret", "ConfigMap", "DaemonSet", "PodMonitor"]),
        (
            json!({ "podMonitor": { "enabled": true, "interval": "30s", "labels": { "release": "prometheus" } },
                    "prometheusRule": { "enabled": true, "labels": { "release": "prometheus" } } }),
            &["ServiceAccount", "ConfigMap", "DaemonSet", "PodMonitor", "PrometheusRule"],
        ),
        (json!({ "runtimes": ["containerd", "k3s", "crio", "docker"], "runtimeSockets": true }), usual),
        (
            json!({ "config": { "otlp": { "endpoint": "http://otel-collector.observability:4318" },
                                "identity": { "extra_labels": ["app.kubernetes.io/name"] } },
                    "extraCapabilities": ["SYS_PTRACE"], "hostPaths": ["/run/user"] }),
            usual,
        ),
        (
            json!({ "service": { "enabled": true }, "port": 9100, "podLabels": { "team": "core" },
                    "podAnnotations": { "example.com/a": "b" }, "imagePullSecrets": [{ "name": "registry" }],
                    "affinity": { "nodeAffinity": {} }, "serviceAccount": { "annotations": { "a": "b" } },
                    "networkPolicy": { "enabled": true, "from": [{ "podSelector": {} }] } }),
            &["ServiceAccount", "ConfigMap", "DaemonSet", "Service", "NetworkPolicy"],
        ),
        (closed(), &["ServiceAccount", "Secret", "ConfigMap", "DaemonSet", "PodMonitor"]),
        (json!({ "web": { "tls": { "secretName": "own" } } }), &["ServiceAccount", "Secret", "ConfigMap", "DaemonSet"]),
        (json!({ "web": { "existingSecret": "own" }, "podMonitor": { "scheme": "https" } }), usual),
    ]
}

/// With TLS and a password.
fn closed() -> Value {
    let secret = |key: &str| json!({ "name": "prometheus", "key": key });
    json!({
        "web": { "config": { "basic_auth_users": { "prometheus": HASH }, "tls_server_config": { "min_version": "TLS13" } },
                 "tls": { "secretName": "certificate" } },
        "podMonitor": { "enabled": true, "basicAuth": { "username": secret("user"), "password": secret("password") },
                        "tlsConfig": { "ca": { "secret": secret("ca.crt") }, "serverName": "doubleslit.example" } },
    })
}

#[test]
#[ignore = "needs helm"]
fn the_chart_renders_what_kubernetes_takes() {
    for (values, kinds) in settings() {
        let said = everything(&mut helm(&["lint", "--strict"], &values));
        assert!(said.contains("1 chart(s) linted, 0 chart(s) failed"), "{said}");
        let manifests = rendered(&values);
        let mut written: Vec<_> = manifests.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
        let mut expected = kinds.to_vec();
        written.sort_unstable();
        expected.sort_unstable();
        assert_eq!(written, expected, "{values}");
        for version in ["1.30", "1.34"] {
            assert_eq!(validate(&manifests, version), Ok(()), "{values}: {manifests}");
        }
    }
}

#[test]
#[ignore = "needs helm"]
fn what_kubernetes_does_not_take_is_found() {
    let manifests = rendered(&json!({ "podMonitor": { "enabled": true } }));
    for (right, wrong) in [
        ("hostPID: true", "hostPid: true"),
        ("hostPID: true", "hostPID: maybe"),
        ("readOnlyRootFilesystem:", "readOnlyRootFileSystem:"),
        ("containerPort: 10435", "containerPort: metrics"),
        ("podMetricsEndpoints:", "podMetricEndpoints:"),
        ("interval: 15s", "interval: soon"),
    ] {
        let changed = manifests.replace(right, wrong);
        assert_ne!(changed, manifests, "{right}");
        assert!(validate(&changed, "1.30").is_err(), "{wrong} was taken");
    }
}

#[test]
#[ignore = "needs helm"]
fn wrong_values_are_refused() {
    for values in [
        json!({ "tolerationss": [] }),
        json!({ "port": "metrics" }),
        json!({ "image": { "registry": "example.com" } }),
        json!({ "runtimes": ["rkt"] }),
        json!({ "hostPaths": ["run"] }),
        json!({ "extraCapabilities": ["ALL"] }),
        json!({ "extraCapabilities": ["CAP_SYS_PTRACE"] }),
        json!({ "networkPolicy": { "enabled": true } }),
        json!({ "podMonitor": { "scheme": "ftp" } }),
        json!({ "web": { "users": {} } }),
        json!({ "web": { "existingSecret": "own", "config": { "basic_auth_users": { "prometheus": HASH } } } }),
    ] {
        let output = shell::output(&mut helm(&["template", "doubleslit"], &values));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains("don't meet the specifications of the schema"),
            "{values}: {said}"
        );
    }
}

#[test]
#[ignore = "needs helm"]
fn every_value_is_in_the_file_of_values() {
    let chart = repository().join("deploy/helm/doubleslit");
    let read = |name: &str| fs::read_to_string(chart.join(name)).expect("it is there");
    let schema: Value = serde_json::from_str(&read("values.schema.json")).expect("JSON");
    let values = yaml(&read("values.yaml"));
    let mut known: Vec<_> = schema["properties"].as_object().expect("an object").keys().collect();
    // Helm's own.
    known.retain(|name| *name != "global");
    let mut written: Vec<_> = values.as_object().expect("an object").keys().collect();
    known.sort_unstable();
    written.sort_unstable();
    assert_eq!(known, written);
}

#[test]
#[ignore = "needs helm"]
fn the_exporter_takes_the_configuration() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let at = |name: &str| directory.path().join(name);
    for name in ["web", "tls"] {
        fs::create_dir(at(name)).expect("a directory can be made");
    }
    let (certificate, key) = Authority::new(directory.path()).certify("server");
    for (name, file) in [("tls/tls.crt", certificate), ("tls/tls.key", key)] {
        fs::rename(file, at(name)).expect("a file can be moved");
    }
    // What is mounted is here.
    let write = |name: &str, text: &str| {
        let text = text.replace("/etc/doubleslit-", &format!("{}/", directory.path().display()));
        fs::write(at(name), text).expect("a file can be written");
    };
    for (values, kinds) in settings() {
        let manifests = rendered(&values);
        let map = object(&manifests, "ConfigMap");
        let config = map["data"]["doubleslit.yaml"].as_str().expect("a text");
        if kinds.contains(&"Secret") {
            let secret = object(&manifests, "Secret");
            write("web/web.yaml", secret["stringData"]["web.yaml"].as_str().expect("a text"));
        }
        let path = at("doubleslit.yaml");
        write("doubleslit.yaml", config);
        let said = shell::run(BINARY, ["run", "--config.check", "--config.file", &path.display().to_string()]);
        assert_eq!(said, "the configuration is valid", "{config}");
    }
    let sockets = object(&rendered(&json!({ "runtimes": ["crio"], "runtimeSockets": true })), "ConfigMap");
    let config = yaml(sockets["data"]["doubleslit.yaml"].as_str().expect("a text"));
    let expected = json!({ "web": { "listen_address": [":10435"] },
                           "identity": { "host_root": "/host", "sockets": { "cri": ["/run/crio/crio.sock"] } } });
    assert_eq!(config, expected);
}

#[test]
#[ignore = "needs helm"]
fn who_gets_in_is_said_to_the_pod_the_kubelet_and_prometheus() {
    let manifests = rendered(&closed());
    let web = yaml(object(&manifests, "Secret")["stringData"]["web.yaml"].as_str().expect("a text"));
    let expected = json!({
        "basic_auth_users": { "prometheus": HASH },
        "tls_server_config": {
            "cert_file": "/etc/doubleslit-tls/tls.crt", "key_file": "/etc/doubleslit-tls/tls.key", "min_version": "TLS13",
        },
    });
    assert_eq!(web, expected);
    let map = object(&manifests, "ConfigMap");
    let config = yaml(map["data"]["doubleslit.yaml"].as_str().expect("a text"));
    assert_eq!(config["web"]["config_file"], "/etc/doubleslit-web/web.yaml");
    let pod = &object(&manifests, "DaemonSet")["spec"]["template"]["spec"];
    for (name, secret, path) in
        [("web", "doubleslit-web", "/etc/doubleslit-web"), ("tls", "certificate", "/etc/doubleslit-tls")]
    {
        let is_it = |entry: &&Value| entry["name"] == name;
        let volume = pod["volumes"].as_array().expect("a list").iter().find(is_it);
        assert_eq!(volume.map(|volume| &volume["secret"]["secretName"]), Some(&json!(secret)));
        let mounts = pod["containers"][0]["volumeMounts"].as_array().expect("a list");
        let expected = json!({ "name": name, "mountPath": path, "readOnly": true });
        assert_eq!(mounts.iter().find(is_it), Some(&expected));
    }
    let endpoint = &object(&manifests, "PodMonitor")["spec"]["podMetricsEndpoints"][0];
    let told = &closed()["podMonitor"];
    assert_eq!(
        (&endpoint["scheme"], &endpoint["basicAuth"], &endpoint["tlsConfig"]),
        (&json!("https"), &told["basicAuth"], &told["tlsConfig"])
    );

    // Who has no PodMonitor tells by annotations, and the file of another's Secret is not known.
    let annotations = |values: &Value| {
        object(&rendered(values), "DaemonSet")["spec"]["template"]["metadata"]["annotations"]["prometheus.io/scheme"]
            .clone()
    };
    assert_eq!(annotations(&json!({ "web": { "tls": { "secretName": "own" } } })), "https");
    assert_eq!(annotations(&json!({ "web": { "existingSecret": "own" } })), Value::Null);
    assert_eq!(
        annotations(&json!({ "web": { "existingSecret": "own" }, "podMonitor": { "scheme": "https" } })),
        "https"
    );
}

#[test]
#[ignore = "needs helm"]
fn a_kubelet_asks_where_it_is_answered() {
    let command =
        |socket: &str| json!({ "exec": { "command": ["doubleslit", "trace", "list", format!("--socket={socket}")] } });
    let port = json!({ "tcpSocket": { "port": "metrics" } });
    let open = |path: &str| json!({ "httpGet": { "path": path, "port": "metrics" } });
    for (api, web, [ready, alive]) in [
        (json!({}), "", [open("/-/ready"), open("/-/healthy")]),
        (json!({}), "own", ["/run/doubleslit/api.sock"; 2].map(command)),
        (json!({ "socket": "/run/doubleslit/other" }), "own", ["/run/doubleslit/other"; 2].map(command)),
        (json!({ "socket": "" }), "own", [port.clone(), port.clone()]),
        (json!({ "enabled": false }), "own", [port.clone(), port.clone()]),
    ] {
        let values = json!({ "config": { "api": api }, "web": { "existingSecret": web } });
        let pod = &object(&rendered(&values), "DaemonSet")["spec"]["template"]["spec"];
        for (probe, expected) in [("startupProbe", &ready), ("readinessProbe", &ready), ("livenessProbe", &alive)] {
            let mut found = pod["containers"][0][probe].clone();
            let fields = found.as_object_mut().expect("an object");
            fields.retain(|field, _| ["exec", "httpGet", "tcpSocket"].contains(&field.as_str()));
            assert_eq!(&found, expected, "{probe} with {values}");
        }
    }
}

#[test]
#[ignore = "needs helm"]
fn the_pod_may_do_little() {
    let daemon_set = object(&rendered(&json!({})), "DaemonSet");
    let pod = &daemon_set["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let expected = json!({
        "runAsUser": 0, "runAsGroup": 0, "privileged": false, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"], "add": ["BPF", "PERFMON", "DAC_READ_SEARCH"] },
        "seccompProfile": { "type": "RuntimeDefault" },
    });
    assert_eq!(container["securityContext"], expected);
    assert_eq!((&pod["hostNetwork"], &pod["hostIPC"], &pod["hostPID"]), (&Value::Null, &Value::Null, &json!(true)));
    let writable: Vec<_> = container["volumeMounts"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|mount| mount["readOnly"] != true)
        .map(|mount| &mount["name"])
        .collect();
    assert_eq!(writable, ["run"]);
}

#[test]
#[ignore = "needs helm"]
fn the_rules_are_those_of_the_project() {
    let rule = object(&rendered(&json!({ "prometheusRule": { "enabled": true } })), "PrometheusRule");
    let rules = fs::read_to_string(repository().join("config/prometheus/doubleslit.rules.yml")).expect("it is there");
    assert_eq!(rule["spec"], yaml(&rules));
}

#[test]
#[ignore = "needs helm"]
fn the_plain_manifests_are_those_of_the_chart() {
    let printed = everything(Command::new(repository().join("scripts/render-manifests")).arg("--print"));
    let path = repository().join("deploy/kubernetes/doubleslit.yaml");
    let written = fs::read_to_string(path).expect("it is there");
    assert!(printed == written, "`scripts/render-manifests` writes others: {printed}");
    assert_eq!(validate(&written, "1.30"), Ok(()));
    assert_eq!(object(&written, "DaemonSet")["metadata"]["namespace"], "doubleslit");
}
