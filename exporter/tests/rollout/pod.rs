//! The pod of the DaemonSet, run by containerd as a kubelet would have it run.

use std::path::{Path, PathBuf};

use doubleslit_testbed::{
    containerd::{ContainerSpec, Containerd, HostMount, PodSpec, Security},
    exporter,
    http::Connection,
    remote::Remote,
    rootfs::LOAD,
    scrape::{Rows, Scrape},
    wait,
};
use serde_json::{Value, json};

use crate::{
    chart::{object, rendered},
    harness::{ACCEPT, BINARY},
};

/// What an image has beside the exporter; here it is this machine's.
const IMAGE: [&str; 3] = ["/usr", "/lib", "/lib64"];

fn list<'a>(value: &'a Value, what: &str) -> Vec<&'a Value> {
    value[what].as_array().unwrap_or_else(|| panic!("no {what}: {value}")).iter().collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn texts(value: &Value, what: &str) -> Vec<String> {
    list(value, what).into_iter().map(text).collect()
}

/// The volumes as a kubelet mounts them. What is not a path of the node is in a directory.
fn mounts(containerd: &Containerd, pod: &Value, directory: &Path) -> Vec<HostMount> {
    let volumes = list(pod, "volumes");
    let mount = |mount: &Value| {
        let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).expect("a volume of that name");
        let host = match &volume["hostPath"]["path"] {
            Value::Null => directory.join(text(&mount["name"])),
            path => containerd.path(Path::new(&text(path))),
        };
        HostMount { host, container: text(&mount["mountPath"]).into(), readonly: mount["readOnly"] == true }
    };
    list(&pod["containers"][0], "volumeMounts").into_iter().map(mount).collect()
}

#[test]
#[ignore = "needs root and BTF"]
fn the_pod_serves_exact_counts() {
    let address = exporter::free_address();
    let manifests = rendered(&json!({
        "config": { "web": { "listen_address": [address.to_string()] }, "poll": { "max_age": "0s" } },
    }));
    let directory = tempfile::tempdir().expect("a directory can be made");
    for name in ["config", "run", "served"] {
        std::fs::create_dir(directory.path().join(name)).expect("a directory can be made");
    }
    for (name, content) in object(&manifests, "ConfigMap")["data"].as_object().expect("an object") {
        std::fs::write(directory.path().join("config").join(name), text(content)).expect("a file can be written");
    }

    let containerd = Containerd::start();
    let web = PodSpec { name: "web-0", namespace: "shop", uid: "d0b1e511-0000-4000-8000-0000000000a1", labels: &[] };
    let shop = containerd.pod(&web);
    let served = HostMount { host: directory.path().join("served"), container: "/served".into(), readonly: false };
    let command = [LOAD, "serve", "/served"];
    let main =
        shop.start(&ContainerSpec { name: "main", command: &command, mounts: &[served], ..ContainerSpec::default() });
    let mut load = Remote::connect(&directory.path().join("served"));

    let daemon_set = object(&manifests, "DaemonSet");
    let pod = &daemon_set["spec"]["template"]["spec"];
    assert_eq!(pod["hostPID"], true);
    let container = &pod["containers"][0];
    let context = &container["securityContext"];
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    let security = Security {
        add: texts(&context["capabilities"], "add"),
        drop: texts(&context["capabilities"], "drop"),
        readonly_root: context["readOnlyRootFilesystem"] == true,
        no_new_privileges: context["allowPrivilegeEscalation"] == false,
    };
    let image = IMAGE.into_iter().map(|path| (PathBuf::from(path), path)).chain([(BINARY.into(), "/doubleslit")]);
    let image = image.map(|(host, path)| HostMount { host, container: path.into(), readonly: true });
    let mounts: Vec<_> = image.chain(mounts(&containerd, pod, directory.path())).collect();
    let arguments = texts(container, "args");
    let command: Vec<_> = ["/doubleslit"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
    let own = PodSpec { name: "doubleslit-0", uid: "d0b1e511-0000-4000-8000-0000000000a2", ..web };
    let node = containerd.pod_with_host_pids(&own);
    let spec =
        ContainerSpec { name: "doubleslit", labels: &[], command: &command, mounts: &mounts, security: Some(security) };
    let _exporter = node.start(&spec);

    let get = |path: &str| Connection::open(address).ok()?.get(path, &[ACCEPT]).ok();
    let probe = text(&container["readinessProbe"]["httpGet"]["path"]);
    wait::until("the pod is ready", || get(&probe).filter(|response| response.status == 200));
    let alive = text(&container["livenessProbe"]["httpGet"]["path"]);
    assert_eq!(get(&alive).map(|response| response.status), Some(200));
    let scrape = || Scrape::parse(&get("/metrics").expect("an answer").text());

    let before = scrape();
    load.run("exec 500");
    let change = scrape().since(&before);
    let labels = [("namespace", "shop"), ("pod", "web-0"), ("container", "main"), ("container_id", main.as_str())];
    let expected = Rows::of([("process_execs", 500), ("process_forks", 500), ("process_exits outcome=success", 500)]);
    assert_eq!(change.rows(&labels).only(&["process_"]), expected);
    // Nothing of what it is given was missing.
    let probes: Vec<_> = before.matching("doubleslit_probe_up", &[]).filter(|(_, value)| *value != 1.0).collect();
    assert!(probes.iter().all(|(series, _)| series.labels["probe"] == "syscall"), "{probes:?}");
}
