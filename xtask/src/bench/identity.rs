//! Finding out whose 10,000 cgroups are, at start and on the way of an event.

use std::{
    env, fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use doubleslit::identity::{CgroupId, directory::Directory, hierarchy, resolve::Resolver, roots::Roots};

use super::{
    Effort,
    process::status_mebibytes,
    progress,
    report::{Report, Target},
    statistics::Summary,
};
use crate::build;

const CGROUPS: usize = 10_000;
const ROUNDS: u64 = 12;
/// Where a machine has its cgroups.
const HIERARCHY: &str = "sys/fs/cgroup";
const LOOKUPS: u64 = 2_000_000;

/// A process of its own that finds out whose the cgroups of a made tree are.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the tree is.
    root: PathBuf,
}

/// Makes the tree, has processes look at it, and tells what that costs.
pub(super) fn measure(effort: Effort, report: &mut Report) -> Result<()> {
    progress::tell(format_args!("making {CGROUPS} cgroups"));
    let root = Scratch::make()?;
    make(&root.0).context("cannot make the tree")?;
    progress::tell("finding out whose they are");
    let runs = (0..ROUNDS.div_ceil(effort.divisor)).map(|_| run(&root.0)).collect::<Result<Vec<_>>>()?;
    let column = |index: usize| Summary::of(runs.iter().map(|run| run[index]));
    let (start, resident, highest, lookup) = (column(0), column(1), column(2), column(3));
    report.section(
        "Whose cgroups they are",
        "A made tree with as many containers, half of them docker's and half of them in pods of their own on containerd, with the \
         state files of real ones and a process each; nothing else is known of them. A new process for every round walks it and \
         resolves all of them, as the exporter does when it starts. Its memory is that of the task runner, which is larger \
         than the exporter. A lookup is one by a cgroup's id, in no order.",
    );
    report.table(
        &["", ""],
        &[
            vec!["containers".to_owned(), CGROUPS.to_string()],
            vec!["walking and resolving, ms".to_owned(), format!("{start:.0}")],
            vec!["memory then, MiB (highest)".to_owned(), format!("{:.1} ({:.1})", resident.median, highest.median)],
            vec!["one lookup, ns".to_owned(), format!("{lookup:.0}")],
        ],
    );
    for (what, limit, measured, digits, unit) in [
        ("resolving 10,000 cgroups: time", 1_000.0, start.median, 0, " ms"),
        ("resolving 10,000 cgroups: memory", 60.0, resident.median, 1, " MiB"),
        ("looking up a cgroup by its id", 100.0, lookup.median, 0, " ns"),
    ] {
        report.target(Target { what: what.to_owned(), limit, measured, digits, unit, unresolved: None });
    }
    Ok(())
}

/// One round: milliseconds, two times MiB, nanoseconds.
fn run(root: &Path) -> Result<[f64; 4]> {
    let output = Command::new(env::current_exe()?).arg("resolve").arg(root).output().context("cannot run it again")?;
    ensure!(output.status.success(), "it failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    numbers.try_into().ok().with_context(|| format!("it printed `{}`", text.trim()))
}

/// What the process of its own does.
pub(crate) fn resolve(Options { root }: &Options) -> Result<()> {
    let roots = Roots::below(root, root.join(HIERARCHY));
    let begin = Instant::now();
    let walk = hierarchy::walk(&roots.cgroup)?;
    let mut directory = Directory::new(Resolver::new(roots, Vec::new(), Arc::default()));
    directory.reconcile(&walk.found, begin);
    let time = begin.elapsed();
    drop(walk);
    let (resident, highest) = (status_mebibytes("self", "VmRSS:")?, status_mebibytes("self", "VmHWM:")?);

    let named = directory.iter().filter(|cgroup| !cgroup.identity.container.is_empty() && cgroup.started.is_some());
    let named = named.count();
    ensure!(named == CGROUPS, "{named} of {CGROUPS} have a name and a start");
    let lookup = lookups(&directory);
    println!("{} {resident} {highest} {lookup}", time.as_secs_f64() * 1e3);
    Ok(())
}

/// Nanoseconds for a lookup.
fn lookups(directory: &Directory) -> f64 {
    let mut ids: Vec<CgroupId> = directory.iter().map(|cgroup| cgroup.id).collect();
    ids.sort_unstable();
    // A step that no length of the list divides reaches each of them, far from the one before.
    const STEP: usize = 7_919;
    let mut at = 0;
    let begin = Instant::now();
    for _ in 0..LOOKUPS {
        at = (at + STEP) % ids.len();
        black_box(directory.get(black_box(ids[at])));
    }
    begin.elapsed().as_secs_f64() * 1e9 / LOOKUPS as f64
}

/// Cgroups, the files about their containers, and a process in each.
fn make(root: &Path) -> Result<()> {
    let fixtures = build::workspace().join("exporter/tests/fixtures/identity");
    let docker_id = "60ef7fa3a8aa4cfaa2e7bc08373689c3978ada30d39fee37cf78c89f7011ffc8";
    let main_id = "43eef329842341f766ea21e896401deff889dbd0d6a55b42fedad43fdc9fea35";
    let tasks = "run/containerd/io.containerd.runtime.v2.task/k8s.io";
    let read = |path: String| fs::read_to_string(fixtures.join(&path)).with_context(|| format!("cannot read `{path}`"));
    let docker = read(format!("docker/containers/{docker_id}/config.v2.json"))?;
    let main = read(format!("{tasks}/{main_id}/config.json"))?;
    write(&root.join("proc/uptime"), "1000000.00 1000000.00\n")?;
    for number in 1..=CGROUPS {
        let id = format!("{number:064x}");
        let path = if number % 2 == 0 {
            write(
                &root.join(format!("var/lib/docker/containers/{id}/config.v2.json")),
                &docker.replace(docker_id, &id),
            )?;
            format!("docker/{id}")
        } else {
            write(&root.join(format!("{tasks}/{id}/config.json")), &main.replace(main_id, &id))?;
            format!("kubepods/burstable/pod00000000-0000-0000-0000-{number:012x}/{id}")
        };
        write(&root.join(HIERARCHY).join(path).join("cgroup.procs"), &format!("{number}\n"))?;
        // proc_pid_stat(5); the 22nd field is the start.
        let stat = format!("{number} (main) S{} {}{}\n", " 1".repeat(18), 100 * number, " 0".repeat(30));
        write(&root.join(format!("proc/{number}/stat")), &stat)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

/// A directory that goes with this.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Result<Self> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let root = env::temp_dir().join(format!("ds-bench-{}-{}", std::process::id(), since.as_nanos()));
        fs::create_dir(&root).with_context(|| format!("cannot make `{}`", root.display()))?;
        Ok(Self(root))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
