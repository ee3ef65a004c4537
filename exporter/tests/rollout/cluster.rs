//! What docs/rollout.md tells for Kubernetes, done with its own API server.

use doubleslit_testbed::{
    documented::{self, Command, Runner},
    kubernetes::{Kubernetes, tools},
};
use serde_json::{Value, json};

/// Everything in the namespace, whatever it is.
const EVERYTHING: &str = "kubectl get --namespace doubleslit --ignore-not-found --output name \
    \"$(kubectl api-resources --namespaced --verbs=list --output name | paste --serial --delimiters=,)\"";

fn object(kubernetes: &Kubernetes, what: &str) -> Value {
    let text = kubernetes.run(&format!("kubectl get --namespace doubleslit {what} --output json"));
    serde_json::from_str(&text).expect("JSON")
}

/// The names of everything in the namespace, which have no accidental parts.
fn names(kubernetes: &Kubernetes) -> Vec<String> {
    let mut names: Vec<_> = kubernetes.run(EVERYTHING).lines().map(str::to_owned).collect();
    names.sort_unstable();
    names
}

/// What the server says of a pod as the DaemonSet makes it.
fn admission(kubernetes: &Kubernetes, namespace: &str) -> Result<(), String> {
    let template = &object(kubernetes, "daemonset/doubleslit")["spec"]["template"];
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
        "metadata": { "name": "doubleslit-0", "labels": template["metadata"]["labels"] },
    });
    let file = kubernetes.file("pod.json", &pod.to_string());
    let create = format!("kubectl create --namespace {namespace} --dry-run=server --filename {}", file.display());
    let output = kubernetes.output(&create);
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The label lets its pods into the namespace, and lower levels would not.
fn assert_admitted(kubernetes: &Kubernetes) {
    assert_eq!(admission(kubernetes, "doubleslit"), Ok(()));
    for level in ["baseline", "restricted"] {
        kubernetes.run(&format!("kubectl create namespace {level}"));
        kubernetes.run(&format!("kubectl label namespace {level} pod-security.kubernetes.io/enforce={level}"));
        let said = admission(kubernetes, level).expect_err("it is not allowed there");
        assert!(said.contains(&format!("violates PodSecurity \"{level}:latest\"")), "{said}");
        assert!(said.contains("host namespaces (hostPID=true)") && said.contains("hostPath"), "{said}");
    }
}

/// The image of the DaemonSet.
fn image(kubernetes: &Kubernetes) -> Value {
    object(kubernetes, "daemonset/doubleslit")["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

/// Gives the release the documented values, each in turn, where the Prometheus operator's kinds are known.
fn set_documented_values(kubernetes: &Kubernetes) {
    for block in documented::blocks(&["yaml helm"]) {
        println!("{block}");
        let file = kubernetes.file("values.yaml", &block.text);
        let upgrade = "helm upgrade doubleslit deploy/helm/doubleslit --namespace doubleslit --values";
        kubernetes.run(&format!("{upgrade} {}", file.display()));
        // The server keeps what is written: it fills in, and changes nothing.
        let written = "helm get manifest doubleslit --namespace doubleslit";
        kubernetes.run(&format!("{written} | kubectl diff --namespace doubleslit --filename -"));
        assert_eq!(object(kubernetes, "podmonitor/doubleslit")["spec"]["podMetricsEndpoints"][0]["port"], "metrics");
        assert_eq!(admission(kubernetes, "doubleslit"), Ok(()));
    }
}

/// The commands, those that need no Helm or the others.
fn commands(is_plain: bool) -> Vec<Command> {
    let mut commands = documented::commands(Runner::Cluster);
    commands.retain(|command| command.text.starts_with("kubectl apply") == is_plain);
    commands
}

#[test]
#[ignore = "needs root and Kubernetes"]
fn helm_installs_upgrades_and_uninstalls() {
    let kubernetes = Kubernetes::start();
    kubernetes.run(&format!("kubectl create --filename {}", tools().join("crds").display()));
    kubernetes.run("kubectl wait --for=condition=Established crd --all");
    for command in commands(false) {
        println!("{command}");
        let text = command.text.as_str();
        if text.starts_with("helm uninstall") {
            set_documented_values(&kubernetes);
        }
        kubernetes.run(text);
        if text.starts_with("helm install") {
            let expected = concat!("registry.example/doubleslit:", env!("CARGO_PKG_VERSION"));
            assert_eq!(image(&kubernetes), expected);
            let expected = [
                "configmap/doubleslit",
                "daemonset.apps/doubleslit",
                "secret/sh.helm.release.v1.doubleslit.v1",
                "serviceaccount/doubleslit",
            ];
            assert_eq!(names(&kubernetes), expected);
            assert_admitted(&kubernetes);
        }
        if text.starts_with("helm upgrade") {
            let values = kubernetes.run("helm get values doubleslit --namespace doubleslit --output json");
            let values: Value = serde_json::from_str(&values).expect("JSON");
            assert_eq!(values, json!({ "image": { "repository": "registry.example/doubleslit", "tag": "0.1.0" } }));
            assert_eq!(image(&kubernetes), "registry.example/doubleslit:0.1.0");
        }
    }
    assert_eq!(names(&kubernetes), Vec::<String>::new());
}

#[test]
#[ignore = "needs root and Kubernetes"]
fn kubectl_applies_the_plain_manifests() {
    let kubernetes = Kubernetes::start();
    for command in commands(true) {
        println!("{command}");
        kubernetes.run(&command.text);
    }
    let expected = ["configmap/doubleslit", "daemonset.apps/doubleslit", "serviceaccount/doubleslit"];
    assert_eq!(names(&kubernetes), expected);
    assert_admitted(&kubernetes);
    // What is there is what is written, by the server's own account.
    kubernetes.run("kubectl diff --filename deploy/kubernetes/doubleslit.yaml");
}
