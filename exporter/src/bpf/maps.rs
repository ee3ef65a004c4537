//! The maps of the object: made with their capacities, or opened where they are pinned; and what is known beside them.

use std::path::Path;

use aya::{
    Btf, Ebpf, EbpfLoader, VerifierLogLevel,
    maps::{Array, Map, MapData, MapError},
};
use aya_obj::generated::BPF_F_MMAPABLE;

use super::{
    events::EventSettings,
    layout::Layout,
    ledger::{self, Ledger},
    object::{LoadError, OBJECT, Settings},
    pin::{LEDGER, MAPS, Pinned, Pins},
    shared::Shared,
    syscalls::Constants,
    verdicts::VERDICTS,
};

/// How much traces can ask the kernel for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    /// Pairs of an owner and of what is wanted.
    pub keys: u32,
    /// Tracepoints.
    pub tracepoints: u32,
}

/// What an object is loaded for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// Counts, and single events for those who listen by configuration. Maps of counts can be pinned.
    Counts(Option<&'a Pins>),
    /// Single events for traces, which can ask for so much.
    Traces(Asking),
}

/// The memory beside the maps of counts, which outlives the exporter if they do.
pub(super) fn ledger(pins: Option<&Pins>, cpus: usize) -> Result<Ledger, LoadError> {
    let words = ledger::words(cpus);
    let Some(pins) = pins else {
        return Shared::alone(words).map(Ledger::new).map_err(LoadError::Memory);
    };
    let failed = |error| LoadError::Map(LEDGER, error);
    if pins.state() == Pinned::New {
        pins.pin_array(LEDGER, Array::create(words as u32, BPF_F_MMAPABLE).map_err(failed)?)?;
    }
    let map = MapData::from_pin(pins.map(LEDGER)).map_err(failed)?;
    Shared::map(map.fd(), words).map(Ledger::new).map_err(LoadError::Memory)
}

/// Makes the maps, or opens them where they are pinned.
pub(super) fn load_maps(
    settings: &Settings,
    layout: &Layout,
    btf: &Btf,
    cpus: usize,
    purpose: Purpose<'_>,
) -> Result<Ebpf, LoadError> {
    let (pins, traced) = match purpose {
        Purpose::Counts(pins) => (pins, None),
        Purpose::Traces(asking) => (None, Some(asking)),
    };
    let mut loader = EbpfLoader::new();
    loader
        .btf(Some(btf))
        .verifier_log_level(VerifierLogLevel::DEBUG)
        // That which has a value for each task is the programs' own.
        .allow_unsupported_maps()
        .map_max_entries("TRACED", traced.map_or(1, |asked| asked.keys));
    for (map, capacity) in settings.capacities(cpus) {
        loader.map_max_entries(map, capacity);
    }
    for map in MAPS {
        if let Some(pins) = pins {
            loader.map_pin_path(map, pins.map(map));
        }
    }
    for (symbol, value) in layout.constants() {
        loader.override_global(symbol, value, true);
    }
    let (calls, calls_are) = (settings.calls.bits(), settings.calls_are());
    loader.override_global("SYSCALLS", &calls, true);
    for (symbol, value) in &calls_are {
        loader.override_global(symbol, value, true);
    }
    let calls_are_traced = u32::from(traced.is_some());
    loader.override_global("CALLS_ARE_TRACED", &calls_are_traced, true);
    let sent_calls = settings.events.as_ref().map(|events| Constants::of(&events.calls));
    if let Some(calls) = &sent_calls {
        calls.set(&mut loader);
    }
    let watermark = settings.events.as_ref().map_or(0, EventSettings::watermark);
    let working_directory = u32::from(settings.events.as_ref().is_some_and(|events| events.working_directory));
    if let Some(events) = &settings.events {
        loader.map_max_entries("EVENTS", events.ring_bytes);
        let tracepoints = traced.map_or(events.tracepoints.len().max(1) as u32, |asked| asked.tracepoints);
        loader.map_max_entries("EXTENTS", tracepoints);
        // A filter that does not ask for owners may be followed by one that does. Traces decide by words of their own.
        loader.map_max_entries("VERDICTS", if traced.is_some() { 1 } else { VERDICTS });
        loader.override_global("EVENT_WATERMARK", &watermark, true);
        loader.override_global("ARGUMENTS_LIMIT", &events.arguments, true);
        loader.override_global("WORKING_DIRECTORY", &working_directory, true);
    }
    Ok(loader.load(OBJECT)?)
}

pub(super) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, LoadError> {
    ebpf.take_map(name).ok_or(LoadError::NoMap(name))
}

/// The same as what it is used as.
pub(super) fn take_as<T: TryFrom<Map, Error = MapError>>(ebpf: &mut Ebpf, name: &'static str) -> Result<T, LoadError> {
    take(ebpf, name)?.try_into().map_err(|error| LoadError::Map(name, error))
}

pub(super) fn take_data(ebpf: &mut Ebpf, name: &'static str) -> Result<MapData, LoadError> {
    match take(ebpf, name)? {
        Map::PerCpuHashMap(data) | Map::PerCpuArray(data) | Map::Array(data) => Ok(data),
        _ => Err(LoadError::NoMap(name)),
    }
}

/// The kernel memory that a map takes, as the kernel estimates it; 0 when it does not tell.
pub(super) fn map_memory(fd: i32) -> u64 {
    let text = std::fs::read_to_string(Path::new("/proc/self/fdinfo").join(fd.to_string())).unwrap_or_default();
    let bytes = text.lines().find_map(|line| line.strip_prefix("memlock:")?.trim().parse().ok());
    bytes.unwrap_or(0)
}
