//! Where and with what the measurements were made.

use std::{fs, process::Command, thread};

use anyhow::{Context as _, Result};

use crate::build;

/// Whether this process is root's.
pub(super) fn is_root() -> Result<bool> {
    let status = fs::read_to_string("/proc/self/status")?;
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")).context("procfs tells no user")?;
    Ok(uid.split_whitespace().nth(1) == Some("0"))
}

/// Names and values.
pub(super) fn describe() -> Result<Vec<(&'static str, String)>> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let cpu = |name| cpus.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix(':')).map(str::trim);
    let virtualised = cpu("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kibibytes: Option<f64> = memory.split_whitespace().nth(1).and_then(|text| text.parse().ok());
    let load = fs::read_to_string("/proc/loadavg")?;
    let dirty = if output("git", &["status", "--porcelain"])?.is_empty() { "" } else { " and changes" };
    Ok(vec![
        ("CPU", cpu("model name").unwrap_or("unknown").to_owned()),
        ("Cores", thread::available_parallelism()?.to_string()),
        ("Memory", format!("{:.1} GiB", kibibytes.unwrap_or(f64::NAN) / f64::from(1 << 20))),
        ("Virtual machine", if virtualised { "yes" } else { "no" }.to_owned()),
        ("Kernel", fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned()),
        ("Compiler", output("rustc", &["--version"])?),
        ("bpftrace", output("bpftrace", &["--version"])?),
        ("Commit", output("git", &["rev-parse", "--short", "HEAD"])? + dirty),
        ("Date", output("date", &["--utc", "+%Y-%m-%d %H:%M UTC"])?),
        ("Load average before", load.split(' ').next().unwrap_or("unknown").to_owned()),
        ("Command", "`cargo xtask bench`".to_owned()),
    ])
}

fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).current_dir(build::workspace()).output();
    let output = output.with_context(|| format!("cannot run `{program}`: is it installed?"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
