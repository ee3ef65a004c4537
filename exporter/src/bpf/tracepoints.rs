//! Attaching the programs of all tracepoints, that which counts and that which sends, and reading what was counted.

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, atomic::AtomicU64},
};

use aya::{
    Ebpf,
    maps::{Array, MapData},
    programs::TracePoint,
};
use doubleslit_common::{
    key::CountKey,
    kind::Kind,
    probes::tracepoint::{Extent, HitKey, ID_SHIFT, Splits},
    wire::Wire,
};
use tracing::warn;

use super::{
    attach::program_fd, element::Element, object::LoadError, pin::Pins, source::BatchReader, status::AttachedProgram,
    sys,
};
use crate::{
    counts::{snapshot::MapRead, source::Reading},
    probes::{
        Program,
        tracepoint::{EVENT_PROGRAM, PROGRAM},
    },
    tracepoints::{hits::Hits, name::Name, select::Tracepoint, traced::Traced},
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

/// Attaches the program that counts to every tracepoint.
pub(super) fn attach(
    settings: &Settings,
    ebpf: &mut Ebpf,
    pins: Option<&Pins>,
    programs: &mut Vec<AttachedProgram>,
) -> Result<Attached, LoadError> {
    let tracepoints = settings.hits.tracepoints();
    // A program that is pinned has a map of its own, with the same in it.
    describe::<Splits>("SPLITS", tracepoints.iter().map(Tracepoint::splits), ebpf)?;
    let targets = tracepoints.iter().map(|Tracepoint { name, id, named, by: _ }| (name, *id, *named));
    attach_to(&PROGRAM, targets, ebpf, pins, programs)
}

/// Attaches the program that sends to those whose hits are wanted.
pub(super) fn attach_events(
    tracepoints: &[Arc<Traced>],
    ebpf: &mut Ebpf,
    programs: &mut Vec<AttachedProgram>,
) -> Result<Attached, LoadError> {
    describe::<Extent>("EXTENTS", tracepoints.iter().map(|traced| traced.extent()), ebpf)?;
    let targets = tracepoints.iter().map(|traced| (&traced.name, traced.format.id, traced.named));
    attach_to(&EVENT_PROGRAM, targets, ebpf, None, programs)
}

/// Writes what a program has to know of each tracepoint.
fn describe<T: Wire + 'static>(
    name: &'static str,
    tracepoints: impl Iterator<Item = T>,
    ebpf: &mut Ebpf,
) -> Result<(), LoadError> {
    describe_numbered(name, (0..).zip(tracepoints), ebpf)
}

/// The same of tracepoints with these numbers.
fn describe_numbered<T: Wire + 'static>(
    name: &'static str,
    mut tracepoints: impl Iterator<Item = (u32, T)>,
    ebpf: &mut Ebpf,
) -> Result<(), LoadError> {
    let map = ebpf.map_mut(name).ok_or(LoadError::NoMap(name))?;
    let failed = |error| LoadError::Map(name, error);
    let mut array = Array::<_, Element<T>>::try_from(map).map_err(failed)?;
    tracepoints.try_for_each(|(number, known)| array.set(number, Element(known), 0)).map_err(failed)
}

/// Attaches a program to tracepoints, each with its name, the kernel's number for it, and whether it was named alone. What is
/// pinned is attached.
fn attach_to<'a>(
    program: &'static Program,
    tracepoints: impl Iterator<Item = (&'a Name, u32, bool)>,
    ebpf: &mut Ebpf,
    pins: Option<&Pins>,
    programs: &mut Vec<AttachedProgram>,
) -> Result<Attached, LoadError> {
    let pinned = pins.map_or(Ok(None), |pins| pins.program(program.name))?;
    let fd = match pinned {
        Some(fd) => fd,
        None => load(program, ebpf)?,
    };
    if let Some(pins) = pins {
        pins.pin_program(program.name, &fd)?;
    }
    let (mut links, mut refused, mut attached) = (Vec::new(), Vec::new(), 0);
    for (number, (name, id, named)) in (0..).zip(tracepoints) {
        let link_name = format!("{}_{number}", program.name);
        if pins.is_some_and(|pins| pins.has_link(&link_name)) {
            attached += 1;
            continue;
        }
        match attach_one(fd.as_fd(), number, (name, id, named))? {
            Ok(link) => {
                attached += 1;
                match pins {
                    Some(pins) => pins.pin_link(&link_name, link)?,
                    None => links.push(link),
                }
            }
            Err(error) => refused.push((name.clone(), error)),
        }
    }
    if attached == 0
        && let Some((name, source)) = refused.pop()
    {
        return Err(LoadError::Tracepoint { name, source });
    }
    programs.push(AttachedProgram { program, fd });
    Ok(Attached { _links: links, refused })
}

fn load(program: &'static Program, ebpf: &mut Ebpf) -> Result<OwnedFd, LoadError> {
    let bpf: Option<&mut TracePoint> = ebpf.program_mut(program.name).and_then(|program| program.try_into().ok());
    let bpf = bpf.ok_or(LoadError::NoProgram(program.name))?;
    let failed = |error| LoadError::Program(program.name, error);
    bpf.load().map_err(failed)?;
    bpf.fd().and_then(program_fd).map_err(failed)
}

/// Attaches a loaded program to a tracepoint, which has this number. One that only a pattern means may take no program: why.
fn attach_one(
    program: BorrowedFd<'_>,
    number: u32,
    (name, id, named): (&Name, u32, bool),
) -> Result<io::Result<OwnedFd>, LoadError> {
    match sys::attach_tracepoint(program, id, cookie(number, id)) {
        Err(error) if named || !is_not_for_programs(&error) => {
            Err(LoadError::Tracepoint { name: name.clone(), source: error })
        }
        result => Ok(result),
    }
}

/// What tells a program which tracepoint it runs for: our number, and the kernel's.
fn cookie(number: u32, id: u32) -> u64 {
    u64::from(id) << ID_SHIFT | u64::from(number)
}

/// The tracepoints whose hits are sent while somebody wants them, and the program that does. Dropping it detaches.
#[derive(Debug, Default)]
pub(super) struct Attachable {
    program: Option<OwnedFd>,
    links: HashMap<u32, OwnedFd>,
}

impl Attachable {
    /// Attaches the program to a tracepoint, which has this number. One that only a pattern means may take no program.
    pub(super) fn attach(&mut self, number: u32, traced: &Traced, ebpf: &mut Ebpf) -> Result<(), LoadError> {
        let program = match self.program.take() {
            Some(program) => program,
            None => load(&EVENT_PROGRAM, ebpf)?,
        };
        let program = self.program.insert(program);
        describe_numbered("EXTENTS", [(number, traced.extent())].into_iter(), ebpf)?;
        let Traced { name, format, named, .. } = traced;
        match attach_one(program.as_fd(), number, (name, format.id, *named))? {
            Ok(link) => drop(self.links.insert(format.id, link)),
            Err(error) => warn!(tracepoint = %name, %error, "no program can be attached, hits are not seen"),
        }
        Ok(())
    }

    /// Detaches it from the tracepoint that has this number of the kernel.
    pub(super) fn detach(&mut self, id: u32) {
        self.links.remove(&id);
    }
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

    /// Removes what a key stands for, entry by entry as `remove` does it, and returns its last value; nothing when none of
    /// it is in this map.
    pub(super) fn remove(
        &mut self,
        key: CountKey,
        remove: impl Fn(&dyn Fn(&[AtomicU64]) -> io::Result<bool>) -> io::Result<Option<u64>>,
    ) -> io::Result<Option<u64>> {
        let exactly = self.hits.exactly(key.detail());
        let alone = exactly.and_then(|(tracepoint, values)| {
            Some(HitKey { owner: CountKey::new(key.cgroup(), Kind::Tracepoint, tracepoint)?, values })
        });
        let entries = alone.map_or_else(|| self.together.remove(&key).unwrap_or_default(), |hit| vec![hit]);
        let mut sum = None;
        for hit in entries {
            if let Some(value) = remove(&|values| self.map.remove(hit, values))? {
                sum = Some(sum.unwrap_or(0) + value);
            }
        }
        Ok(sum)
    }
}
