//! An image in a file, as `docker save` writes it, without docker.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::{rootfs, shell};

/// Writes the archive of an image into a directory. The image has one layer: the root file system. It sleeps when it is not told
/// what to do, as the container that holds a pod's namespaces does.
pub(super) fn archive(directory: &Path, name: &str) -> PathBuf {
    let (root, parts) = (directory.join("rootfs"), directory.join("image"));
    rootfs::fill(&root);
    fs::create_dir(&parts).expect("a directory can be made");
    let layer = parts.join("layer.tar");
    tar(&root, &layer, ".");
    fs::remove_dir_all(&root).expect("a directory can be removed");
    let sum = shell::run("sha256sum", [&layer]);
    let digest = sum.split(' ').next().unwrap_or_default();
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": { "Entrypoint": ["/bin/sleep", "1000000"], "Env": ["PATH=/bin"] },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
    });
    let manifest = json!([{ "Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"] }]);
    for (file, content) in [("config.json", config), ("manifest.json", manifest)] {
        fs::write(parts.join(file), content.to_string()).expect("a file can be written");
    }
    let archive = directory.join("image.tar");
    tar(&parts, &archive, ".");
    archive
}

fn tar(directory: &Path, archive: &Path, what: &str) {
    let arguments: [&OsStr; 5] =
        ["-C".as_ref(), directory.as_os_str(), "-cf".as_ref(), archive.as_os_str(), what.as_ref()];
    shell::run("tar", arguments);
}

/// The machine as images name it.
fn architecture() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
