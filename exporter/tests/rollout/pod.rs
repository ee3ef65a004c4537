//! The pod of the DaemonSet, run by containerd as a kubelet would have it run.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use doubleslit_testbed::{
    collector::Authority,
    containerd::{ContainerSpec, Containerd, HostMount, Pod, PodSpec, Security},
    exporter,
    http::Connection,
    password::{HASH, QUICK},
    remote::Remote,
    rootfs::LOAD,
    scrape::{Rows, Scrape},
    shell, wait,
};
use serde_json::{Value, json};
use tempfile::TempDir;

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

/// What a kubelet gives to the pod, each volume in a directory.
fn volumes(manifests: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory can be made");
    fs::create_dir(directory.path().join("run")).expect("a directory can be made");
    publish(&directory.path().join("config"), "1", &files(&object(manifests, "ConfigMap")["data"]));
    directory
}

/// The files of a ConfigMap or a Secret.
fn files(data: &Value) -> BTreeMap<String, String> {
    let files = data.as_object().expect("an object").iter();
    files.map(|(name, content)| (name.clone(), text(content))).collect()
}

/// Has a volume's directory hold a version of files as a kubelet does it: all of them change at once, when a link is replaced.
fn publish(volume: &Path, version: &str, files: &BTreeMap<String, String>) {
    let directory = volume.join(format!("..{version}"));
    fs::create_dir_all(&directory).expect("a directory can be made");
    for (name, content) in files {
        fs::write(directory.join(name), content).expect("a file can be written");
    }
    let (data, next) = (volume.join("..data"), volume.join("..data_tmp"));
    let old = fs::read_link(&data).ok();
    symlink(format!("..{version}"), &next).expect("a link can be made");
    fs::rename(next, data).expect("a link can be replaced");
    for name in files.keys().filter(|name| !volume.join(name).is_symlink()) {
        symlink(format!("..data/{name}"), volume.join(name)).expect("a link can be made");
    }
    if let Some(old) = old {
        fs::remove_dir_all(volume.join(old)).expect("a directory can be removed");
    }
}

/// Starts the container of the DaemonSet.
fn start(containerd: &Containerd, node: &Pod<'_>, manifests: &str, directory: &Path) {
    let daemon_set = object(manifests, "DaemonSet");
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
    let mounts: Vec<_> = image.chain(mounts(containerd, pod, directory)).collect();
    let arguments = texts(container, "args");
    let command: Vec<_> = ["/doubleslit"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
    let spec =
        ContainerSpec { name: "doubleslit", labels: &[], command: &command, mounts: &mounts, security: Some(security) };
    drop(node.start(&spec));
}

/// How a kubelet asks, by the probe's name.
fn probe(manifests: &str, name: &str) -> Value {
    object(manifests, "DaemonSet")["spec"]["template"]["spec"]["containers"][0][name].clone()
}

/// The exporter's pod.
const OWN: PodSpec<'_> =
    PodSpec { name: "doubleslit-0", namespace: "shop", uid: "d0b1e511-0000-4000-8000-0000000000a2", labels: &[] };

#[test]
#[ignore = "needs root and BTF"]
fn the_pod_serves_exact_counts() {
    let address = exporter::free_address();
    let manifests = rendered(&json!({
        "config": { "web": { "listen_address": [address.to_string()] }, "poll": { "max_age": "0s" } },
    }));
    let directory = volumes(&manifests);

    let containerd = Containerd::start();
    let web = PodSpec { name: "web-0", uid: "d0b1e511-0000-4000-8000-0000000000a1", ..OWN };
    let shop = containerd.pod(&web);
    fs::create_dir(directory.path().join("served")).expect("a directory can be made");
    let served = HostMount { host: directory.path().join("served"), container: "/served".into(), readonly: false };
    let command = [LOAD, "serve", "/served"];
    let main =
        shop.start(&ContainerSpec { name: "main", command: &command, mounts: &[served], ..ContainerSpec::default() });
    let mut load = Remote::connect(&directory.path().join("served"));

    let node = containerd.pod_with_host_pids(&OWN);
    start(&containerd, &node, &manifests, directory.path());

    let get = |path: &str| Connection::open(address).ok()?.get(path, &[ACCEPT]).ok();
    let ready = text(&probe(&manifests, "readinessProbe")["httpGet"]["path"]);
    wait::until("the pod is ready", || get(&ready).filter(|response| response.status == 200));
    let alive = text(&probe(&manifests, "livenessProbe")["httpGet"]["path"]);
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

/// What Secrets say applies when a kubelet has replaced them, in spite of a root file system that is read-only and Landlock.
#[test]
#[ignore = "needs root and BTF"]
fn the_pod_lets_in_whom_the_secrets_say() {
    let address = exporter::free_address();
    let manifests = rendered(&json!({
        "config": { "web": { "listen_address": [address.to_string()] } },
        "web": { "config": { "basic_auth_users": { "prometheus": HASH } }, "tls": { "secretName": "certificate" } },
    }));
    let directory = volumes(&manifests);
    let [web, tls, run] = ["web", "tls", "run"].map(|name| directory.path().join(name));
    let secret = files(&object(&manifests, "Secret")["stringData"]);
    publish(&web, "1", &secret);
    // The certificate of an authority for each version, as `tls.crt` and `tls.key`.
    let authorities = ["1", "2"].map(|version| {
        let directory = directory.path().join(format!("authority-{version}"));
        fs::create_dir(&directory).expect("a directory can be made");
        let authority = Authority::new(&directory);
        let (certificate, key) = authority.certify("server");
        let read = |path: PathBuf| fs::read_to_string(path).expect("it is there");
        let files = [("tls.crt", read(certificate)), ("tls.key", read(key))];
        (authority.certificate(), BTreeMap::from(files.map(|(name, content)| (name.to_owned(), content))))
    });
    publish(&tls, "1", &authorities[0].1);

    let containerd = Containerd::start();
    let node = containerd.pod_with_host_pids(&OWN);
    start(&containerd, &node, &manifests, directory.path());
    for name in ["startupProbe", "readinessProbe", "livenessProbe"] {
        // The kubelet runs it in the pod; the socket is the same.
        let command = texts(&probe(&manifests, name)["exec"], "command");
        let arguments = command[1..].iter().map(|word| word.replace("/run/doubleslit", &run.display().to_string()));
        let mut command = Command::new(BINARY);
        command.args(arguments);
        wait::until(name, || shell::output(&mut command).status.success().then_some(()));
    }

    // What curl ends with, and the status, when it trusts the first or the second authority.
    let get = |authority: usize, password: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--cacert"]);
        curl.arg(&authorities[authority].0).args(["--user", &format!("prometheus:{password}")]);
        let output = shell::output(curl.arg(format!("https://{address}/metrics")));
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let answered = |status: &str| (Some(0), status.to_owned());
    // CURLE_PEER_FAILED_VERIFICATION
    let is_unknown = (Some(60), "000".to_owned());
    assert_eq!([get(0, "abc"), get(0, "U*U"), get(1, "abc")], [answered("200"), answered("401"), is_unknown.clone()]);
    let clear = Connection::open(address).and_then(|mut connection| connection.get("/metrics", &[]));
    assert!(clear.is_err(), "{clear:?}");

    publish(&tls, "2", &authorities[1].1);
    assert_eq!([get(1, "abc"), get(0, "abc")], [answered("200"), is_unknown]);
    let changed = secret.into_iter().map(|(name, text)| (name, text.replace(HASH, QUICK))).collect();
    publish(&web, "2", &changed);
    assert_eq!([get(1, "U*U"), get(1, "abc")], [answered("200"), answered("401")]);
}
