//! Reading 20,000 keys from the kernel.

use std::{fs, time::Instant};

use anyhow::{Context as _, Result};
use aya::{
    maps::{Map, MapData, PerCpuHashMap, PerCpuValues},
    util::nr_cpus,
};
use doubleslit::counts::source::{CountSource as _, Reading};
use doubleslit_common::{key::CountKey, kind::Kind};

use super::{
    Effort, loaded, progress,
    report::{Report, Target},
    statistics::Summary,
};

const CGROUPS: u64 = 1_000;
const DETAILS: u32 = 20;
const READS: u64 = 100;
/// Far from the ids of real cgroups, whose rows may be in the map too.
const FIRST_CGROUP: u64 = 1 << 36;

/// Fills the map, reads it, and tells how long that takes.
pub(super) fn measure(effort: Effort, report: &mut Report) -> Result<()> {
    progress::tell("reading the maps");
    let mut loaded = loaded::load_all()?;
    fill()?;
    let mut reading = Reading::default();
    let (mut whole, mut counts, mut syscalls, mut keys) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..READS / effort.divisor {
        let begin = Instant::now();
        loaded.counts.read(&mut reading)?;
        whole.push(begin.elapsed().as_secs_f64() * 1e3);
        let map = reading.maps.iter().find(|map| map.map == "counts").context("the counts were not read")?;
        counts.push(map.duration.as_secs_f64() * 1e3);
        (syscalls, keys) = (syscalls.max(map.syscalls), map.keys);
    }
    let (whole, counts) = (Summary::of(whole), Summary::of(counts));
    report.section(
        "Reading the maps",
        "A map of counts with the default capacity, filled with 1,000 cgroups of 20 keys each, all probes on; read as the \
         exporter reads it. Every key has counted enough to get a slot, if that is free.",
    );
    report.table(
        &["", ""],
        &[
            vec!["keys".to_owned(), keys.to_string()],
            vec!["system calls for the map of counts".to_owned(), syscalls.to_string()],
            vec!["time for the map of counts, ms".to_owned(), format!("{counts:.2}")],
            vec!["time for all maps, ms".to_owned(), format!("{whole:.2}")],
        ],
    );
    let target = Target {
        what: "reading 20,000 keys: time".to_owned(),
        limit: 10.0,
        measured: whole.median,
        digits: 2,
        unit: " ms",
        unresolved: None,
    };
    report.target(target.clone());
    report.target(Target {
        what: "reading 20,000 keys: system calls".to_owned(),
        limit: 20.0,
        measured: syscalls as f64,
        digits: 0,
        unit: "",
        ..target
    });
    Ok(())
}

fn fill() -> Result<()> {
    let mut map = PerCpuHashMap::<_, u64, u64>::try_from(Map::PerCpuHashMap(MapData::from_id(counts_id()?)?))?;
    let cpus = nr_cpus().map_err(|(path, error)| anyhow::Error::new(error).context(format!("cannot read `{path}`")))?;
    let values = || PerCpuValues::try_from(vec![1_000; cpus]);
    for cgroup in FIRST_CGROUP..FIRST_CGROUP + CGROUPS {
        for detail in 0..DETAILS {
            let key = CountKey::new(cgroup, Kind::SocketState, detail).context("the key is too large")?;
            map.insert(key.bits(), values()?, 0)?;
        }
    }
    Ok(())
}

/// The kernel's number of the map of counts, which is the only map of this process with that capacity.
fn counts_id() -> Result<u32> {
    for entry in fs::read_dir("/proc/self/fdinfo")? {
        let Ok(text) = fs::read_to_string(entry?.path()) else { continue };
        let number = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u32>().ok());
        if number("max_entries:") == Some(loaded::COUNTS) {
            return number("map_id:").context("the kernel tells no number of the map");
        }
    }
    anyhow::bail!("the map of counts is not open")
}
