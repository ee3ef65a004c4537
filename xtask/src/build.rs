//! Building what is run.

use std::{
    env,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use doubleslit_testbed::{shell, static_binary};

/// The programs that tasks run.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    /// The exporter, as users get it.
    pub(super) exporter: PathBuf,
    /// The load, linked statically.
    pub(super) load: PathBuf,
}

/// The top of the repository.
pub(super) fn workspace() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Makes sure that this process is optimised, as the code that it measures in itself must be: builds the release and runs it
/// in place of this process.
pub(super) fn optimised() -> Result<()> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    cargo_build(&["doubleslit", "xtask"])?;
    // `target/debug/xtask`
    let directory = env::current_exe()?.parent().and_then(Path::parent).map(Path::to_owned);
    let binary = directory.context("the directory of the build is not known")?.join("release/xtask");
    let error = Command::new(&binary).args(env::args_os().skip(1)).exec();
    Err(error).with_context(|| format!("cannot run `{}`", binary.display()))
}

/// Builds the programs.
pub(super) fn tools() -> Result<Tools> {
    cargo_build(&["doubleslit"])?;
    eprintln!("building the load");
    let load = static_binary::load().to_owned();
    Ok(Tools { exporter: env::current_exe()?.with_file_name("doubleslit"), load })
}

fn cargo_build(packages: &[&str]) -> Result<()> {
    eprintln!("building {}", packages.join(" and "));
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    shell::as_without_cargo(&mut command).args(["build", "--quiet", "--locked", "--release"]).current_dir(workspace());
    for package in packages {
        command.args(["--package", package]);
    }
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo could not build {}", packages.join(" and "));
    Ok(())
}
