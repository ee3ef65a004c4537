//! The exporter's programs, loaded into this process with the default capacities.

use anyhow::Result;
use doubleslit::{
    bpf::object::{self, KERNEL_BTF, Loaded, Settings},
    counts::source::{CountSource as _, Reading},
    probes::PROBES,
};

/// Capacity of the map of counts.
pub(super) const COUNTS: u32 = 65_536;
const EDGES: u32 = 16_384;

/// Loads and attaches these probes.
pub(super) fn load(probes: Vec<&'static str>) -> Result<Loaded> {
    let settings = Settings { probes, counts: COUNTS, edges: EDGES, stats: false, btf: KERNEL_BTF.into() };
    Ok(object::load(&settings)?)
}

/// Reads the maps once, as a running exporter has long done: keys that count a lot have their slots from then on.
pub(super) fn settle(loaded: &mut Loaded) -> Result<()> {
    Ok(loaded.counts.read(&mut Reading::default())?)
}

/// Loads and attaches every probe.
pub(super) fn load_all() -> Result<Loaded> {
    load(PROBES.iter().map(|probe| probe.name).collect())
}
