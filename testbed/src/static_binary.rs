//! The load and the exporter as files that run anywhere.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::shell;

/// The path of `doubleslit-load`, linked statically. Builds it the first time; panics when that fails.
#[must_use]
pub fn load() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// The path of the exporter that `make static` builds; nothing where it cannot be built. Panics when building it fails.
#[must_use]
pub fn exporter() -> Option<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let can = Command::new(repository.join("scripts/setup-static")).arg("--can").status();
    if !can.expect("the script is there").success() {
        return None;
    }
    let mut make = Command::new("make");
    make.args(["--silent", "--no-print-directory", "--directory"]).arg(&repository).arg("static");
    let output = shell::as_without_cargo(&mut make).output().expect("make can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "cannot build the exporter:\n{}", text(&output.stderr));
    Some(repository.join(text(&output.stdout).lines().last()?))
}

fn build() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    // A directory of its own: cargo would build everything anew whenever the flags change, and it holds a lock on the
    // directory of the build that this may be part of.
    let default = || manifest.with_file_name("..").join("target");
    let directory = env::var_os("CARGO_TARGET_DIR").map_or_else(default, PathBuf::from).join("static");
    // With a target named, the flags are not for build scripts and macros.
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = shell::as_without_cargo(&mut cargo)
        .args(["build", "--quiet", "--locked", "--release", "--bin", "doubleslit-load", "--target", &target])
        .args([Path::new("--manifest-path"), &manifest, Path::new("--target-dir"), &directory])
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "cannot build the load:\n{}", String::from_utf8_lossy(&output.stderr));
    directory.join(target).join("release/doubleslit-load")
}
