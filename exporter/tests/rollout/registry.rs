//! The image that docs/rollout.md tells to build and to push.

use doubleslit_testbed::{
    docker::Docker,
    documented::{self, Runner},
    shell,
};

use crate::harness::{BINARY, everything, repository};

/// Makes the image that `docker build` is told to, by the last stage of the Dockerfile alone. The one before compiles what is compiled
/// here already, with nothing but Debian's archive and crates.io: that takes many minutes, and both of them.
fn build(docker: &Docker, command: &str) {
    let image = command.strip_prefix("docker build -t ").and_then(|rest| rest.strip_suffix(" ."));
    let image = image.unwrap_or_else(|| panic!("`{command}` is another one"));
    everything(docker.other(repository().join("scripts/setup-demo-images")).args(["--alone", BINARY]));
    docker.cli(["tag", "doubleslit", image]);
}

#[test]
#[ignore = "needs root and docker"]
fn the_image_is_pushed_to_a_registry() {
    let docker = Docker::start_with_registry();
    let mut image = None;
    for command in documented::commands(Runner::Registry) {
        println!("{command}");
        match command.text.strip_prefix("docker push ") {
            Some(name) => {
                everything(docker.other("bash").args(["-c", &command.text]));
                image = Some(name.to_owned());
            }
            None => build(&docker, &command.text),
        }
    }
    // Who pulls it there gets what runs.
    let image = image.expect("one is pushed");
    docker.cli(["image", "rm", "doubleslit", &image]);
    assert!(!shell::output(docker.command().args(["image", "inspect", &image])).status.success());
    let version = docker.cli(["run", "--rm", "--network=none", "--pull=always", &image, "--version"]);
    assert!(version.ends_with(concat!("doubleslit ", env!("CARGO_PKG_VERSION"))), "{version}");
}
