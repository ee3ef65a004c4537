//! The image that docs/rollout.md tells to build and to push.

use std::time::Duration;

use doubleslit_testbed::{
    docker::Docker,
    documented::{self, Runner},
    shell,
};

use crate::harness::{everything, repository};

/// How long a command may take: one builds the exporter from nothing.
const PATIENCE: Duration = Duration::from_secs(9 * 60);

#[test]
#[ignore = "needs root and docker"]
fn the_image_is_built_from_source_and_pushed_to_a_registry() {
    let docker = Docker::start_with_registry();
    everything(docker.other(repository().join("scripts/setup-demo-images")).arg("--dockerfile"));
    let mut image = None;
    for command in documented::commands(Runner::Registry) {
        println!("{command}");
        let mut shell = docker.other("bash");
        shell.current_dir(repository()).args(["-c", &command.text]);
        let printed = docker.printed_within(PATIENCE, &mut shell);
        assert!(printed.is_some(), "{command} did not end in {PATIENCE:?}");
        image = command.text.strip_prefix("docker push ").map(str::to_owned).or(image);
    }
    // Who pulls it there gets what runs.
    let image = image.expect("one is pushed");
    docker.cli(["image", "rm", &image]);
    assert!(!shell::output(docker.command().args(["image", "inspect", &image])).status.success());
    let version = docker.cli(["run", "--rm", "--network=none", "--pull=always", &image, "--version"]);
    assert!(version.ends_with(concat!("doubleslit ", env!("CARGO_PKG_VERSION"))), "{version}");
}
