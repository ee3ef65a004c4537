//! Attaching the one program of all tracepoints, and reading what it counted.

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use aya::{
    Ebpf,
    maps::{Array, MapData},
    programs::TracePoint,
};
use doubleslit_common::{
    key::CountKey,
    kind::Kind,
    probes::tracepoint::{HitKey, Splits},
};

use super::{element::Element, object::LoadError, source::BatchReader, status::AttachedProgram, sys};
use crate::{
    counts::{snapshot::MapRead, source::Reading},
    probes::tracepoint::PROGRAM,
    tracepoints::{hits::Hits, name::Name, select::Tracepoint},
};

/// Whose hits are counted.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The tracepoints.
    pub hits: Arc<Hits>,
    /// Capacity of the map `HITS`, in entries.
    pub capacity: u32,
}

impl Settings {
    /// How many entries the map `SPLITS` needs.
    pub(super) fn count(&self) -> u32 {
        self.hits.tracepoints().len().max(1) as u32
    }

    /// How many the map `HITS` needs.
    pub(super) fn entries(&self) -> u32 {
        let is_split = self.hits.tracepoints().iter().any(|tracepoint| !tracepoint.by.is_empty());
        if is_split { self.capacity } else { 1 }
    }
}

/// What is attached. Dropping it detaches.
#[derive(Debug, Default)]
pub(super) struct Attached {
    _links: Vec<OwnedFd>,
    /// Tracepoints that a pattern means and that no program can be attached to, and why.
    pub refused: Vec<(Name, io::Error)>,
}

/// Attaches the program to every tracepoint.
pub(super) fn attach(
    settings: &Settings,
    ebpf: &mut Ebpf,
    programs: &mut Vec<AttachedProgram>,
) -> Result<Attached, LoadError> {
    let map = ebpf.map_mut("SPLITS").ok_or(LoadError::NoMap("SPLITS"))?;
    let failed = |error| LoadError::Map("SPLITS", error);
    let mut splits = Array::<_, Element<Splits>>::try_from(map).map_err(failed)?;
    let tracepoints = || (0u32..).zip(settings.hits.tracepoints());
    for (number, tracepoint) in tracepoints() {
        splits.set(number, Element(tracepoint.splits()), 0).map_err(failed)?;
    }
    let bpf: Option<&mut TracePoint> = ebpf.program_mut(PROGRAM.name).and_then(|program| program.try_into().ok());
    let bpf = bpf.ok_or(LoadError::NoProgram(PROGRAM.name))?;
    bpf.load().map_err(LoadError::Program)?;
    let fd = bpf.fd().and_then(|fd| Ok(fd.try_clone()?)).map_err(LoadError::Program)?;
    let (mut links, mut refused) = (Vec::new(), Vec::new());
    for (number, Tracepoint { name, id, named, by: _ }) in tracepoints() {
        match sys::attach_tracepoint(fd.as_fd(), *id, number.into()) {
            Ok(link) => links.push(link),
            Err(error) if !named && is_not_for_programs(&error) => refused.push((name.clone(), error)),
            Err(source) => return Err(LoadError::Tracepoint { name: name.clone(), source }),
        }
    }
    if links.is_empty()
        && let Some((name, source)) = refused.pop()
    {
        return Err(LoadError::Tracepoint { name, source });
    }
    programs.push(AttachedProgram { program: &PROGRAM, fd });
    Ok(Attached { _links: links, refused })
}

/// Whether the kernel says that a tracepoint takes no program, as those of its function tracer do.
fn is_not_for_programs(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied)
}

/// The reader of the map `HITS`: it shows each entry as a count with a detail.
#[derive(Debug)]
pub(super) struct HitCounts {
    map: BatchReader<HitKey>,
    hits: Arc<Hits>,
    /// The entries that have a detail together.
    together: HashMap<CountKey, Vec<HitKey>>,
}

impl HitCounts {
    pub(super) fn new(map: MapData, hits: Arc<Hits>, cpus: usize) -> Result<Self, LoadError> {
        Ok(Self { map: BatchReader::new("hits", map, cpus)?, hits, together: HashMap::new() })
    }

    pub(super) fn read(&mut self, reading: &mut Reading) -> io::Result<MapRead> {
        let Self { map, hits, together } = self;
        together.clear();
        let mut sums = HashMap::<CountKey, u64>::new();
        let read = map.read(|hit, value| {
            let detail = hits.detail(hit.owner.detail(), hit.values);
            let Some(key) = CountKey::new(hit.owner.cgroup(), Kind::Tracepoint, detail) else { return };
            if Hits::is_alone(detail) {
                reading.counts.push((key, value));
            } else {
                together.entry(key).or_default().push(hit);
                *sums.entry(key).or_default() += value;
            }
        })?;
        reading.counts.extend(sums);
        Ok(read)
    }

    /// Removes what a key stands for and returns its last value; nothing when none of it is in this map.
    pub(super) fn remove(&mut self, key: CountKey) -> io::Result<Option<u64>> {
        let exactly = self.hits.exactly(key.detail());
        let alone = exactly.and_then(|(tracepoint, values)| {
            Some(HitKey { owner: CountKey::new(key.cgroup(), Kind::Tracepoint, tracepoint)?, values })
        });
        let entries = alone.map_or_else(|| self.together.remove(&key).unwrap_or_default(), |hit| vec![hit]);
        let mut sum = None;
        for hit in entries {
            if let Some(value) = self.map.remove(hit)? {
                sum = Some(sum.unwrap_or(0) + value);
            }
        }
        Ok(sum)
    }
}
