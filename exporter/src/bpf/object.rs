//! Loading the BPF object: constants from the kernel's layout, capacities from the configuration, programs one by one.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

use aya::{
    Btf, Ebpf, EbpfError, EbpfLoader, Endianness, VerifierLogLevel,
    maps::{Map, MapData, MapError},
    programs::{BtfTracePoint, ProgramError},
    sys::Stats,
};
use doubleslit_common::{kind::Kind, slot};

use super::{
    btf::{BtfError, KernelBtf},
    events::{self, EventRing, EventSettings, Stages},
    layout::Layout,
    left_out::LeftOut,
    notices::Notices,
    source::{KernelCounts, Maps},
    status::{AttachedProgram, EventStatus, ProbeState, ProbeStatus},
    sys,
    syscalls::{self, Constants},
    tracepoints::{self, Attached, HitCounts},
    verdicts::{VERDICTS, Verdicts},
};
use crate::{
    filter::Owners,
    probes::{
        PROBES, Probe, Program,
        syscall::{self, Calls},
        tracepoint::EVENT_PROGRAM,
    },
    tracepoints::name::Name,
};

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/doubleslit-ebpf"));

/// Where the kernel describes its types.
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// What to load.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The probes that are switched on, by name.
    pub probes: Vec<&'static str>,
    /// The system calls that the probe `syscall` counts, and which of them have histograms where time is measured.
    pub calls: Calls,
    /// Whether it measures how long they take.
    pub call_times: bool,
    /// Whose calls it counts.
    pub calls_of: Owners,
    /// Capacity of the map `COUNTS`, in entries.
    pub counts: u32,
    /// Capacity of the map `EDGES`, in entries.
    pub edges: u32,
    /// The tracepoints whose hits are counted, if there are some.
    pub tracepoints: Option<tracepoints::Settings>,
    /// What is sent as single events; nothing when nobody listens.
    pub events: Option<EventSettings>,
    /// Whether to have the kernel measure the programs' run time.
    pub stats: bool,
    /// The kernel's type information, normally [`KERNEL_BTF`].
    pub btf: PathBuf,
}

impl Settings {
    /// The programs of a probe that are needed.
    fn programs(&self, probe: &'static Probe) -> impl Iterator<Item = &'static Program> {
        let call_times = self.call_times;
        probe.programs.iter().filter(move |program| call_times || program.name != syscall::ENTRY.name)
    }
}

/// Why nothing could be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The kernel's layout is not known.
    #[error(
        "cannot learn the kernel's layout; a kernel built with CONFIG_DEBUG_INFO_BTF describes it in `{KERNEL_BTF}`"
    )]
    Layout(#[from] BtfError),
    /// The kernel's layout is not known to the loader.
    #[error("cannot read the kernel's type information")]
    Btf(#[from] aya::BtfError),
    /// The maps could not be made.
    #[error("cannot create the maps")]
    Object(#[from] EbpfError),
    /// A map could not be opened.
    #[error("cannot open the map `{0}`")]
    Map(&'static str, #[source] MapError),
    /// The slots could not be mapped.
    #[error("cannot map the map `SLOTS` into memory")]
    Slots(#[source] io::Error),
    /// The object lacks a program.
    #[error("the object has no program `{0}`")]
    NoProgram(&'static str),
    /// A program of tracepoints could not be loaded.
    #[error("cannot load the program `{0}`")]
    Program(&'static str, #[source] ProgramError),
    /// A tracepoint could not be attached to.
    #[error("cannot attach to the tracepoint `{name}`")]
    Tracepoint {
        /// The tracepoint.
        name: Name,
        /// Why.
        source: io::Error,
    },
    /// A program's handle could not be copied.
    #[error("cannot keep a program open")]
    Handle(#[source] io::Error),
    /// The object lacks a map.
    #[error("the object has no map `{0}`")]
    NoMap(&'static str),
    /// The machine's number of CPUs is not known.
    #[error("cannot read `{0}`")]
    Cpus(&'static str, #[source] io::Error),
    /// The kernel does not measure.
    #[error("cannot switch on the kernel's statistics of BPF programs")]
    Stats(#[source] aya::sys::SyscallError),
}

/// The loaded object. Dropping it detaches and frees everything.
#[derive(Debug)]
pub struct Object {
    _ebpf: Ebpf,
    _stats: Option<OwnedFd>,
    tracepoints: Attached,
    traced: Attached,
    /// The state of every probe, in the order of the table.
    pub probes: Vec<ProbeStatus>,
    /// The attached programs.
    pub programs: Vec<AttachedProgram>,
    /// The single events that are wanted, by kind.
    pub events: Vec<EventStatus>,
    /// Bytes of kernel memory that the maps take, by map.
    pub memory: Vec<(&'static str, u64)>,
}

impl Object {
    /// Why none of the single events that are wanted can be had; nothing when some can, or none is wanted.
    #[must_use]
    pub fn without_events(&self) -> Option<&str> {
        let first = self.events.first()?;
        self.events.iter().all(|event| event.state != ProbeState::Up).then_some(&first.reason)
    }

    /// Tracepoints that a pattern means and that no program can be attached to, and why. Those whose hits are wanted as
    /// single events only are here too.
    pub fn refused(&self) -> impl Iterator<Item = (&Name, &io::Error)> {
        let Attached { refused: counted, .. } = &self.tracepoints;
        let sent = self.traced.refused.iter().filter(|(name, _)| !counted.iter().any(|(other, _)| other == name));
        counted.iter().chain(sent).map(|(name, error)| (name, error))
    }
}

/// Everything that loading gives.
#[derive(Debug)]
pub struct Loaded {
    /// The programs; keep it as long as they shall count.
    pub object: Object,
    /// The reader of the counts.
    pub counts: KernelCounts,
    /// The reader of the notices.
    pub notices: Notices,
    /// The ring of single events, if somebody listens.
    pub events: Option<EventRing>,
    /// What became of single events in the kernel.
    pub stages: Stages,
    /// What the kernel wants to know of owners, if it matters.
    pub verdicts: Option<Verdicts>,
    /// What the kernel wants to know of whose system calls it counts, if not everybody's.
    pub left_out: Option<LeftOut>,
}

/// Loads and attaches what the settings ask for and this kernel supports.
///
/// # Errors
///
/// When nothing can be loaded at all. A probe that cannot be is told in its status instead.
pub fn load(settings: &Settings) -> Result<Loaded, LoadError> {
    let loaded = load_and_attach(settings)?;
    sys::return_freed_memory();
    Ok(loaded)
}

fn load_and_attach(settings: &Settings) -> Result<Loaded, LoadError> {
    let layout = Layout::resolve(&KernelBtf::read(&settings.btf)?, &PROBES);
    let btf = Btf::parse_file(&settings.btf, Endianness::default())?;
    let cpus = aya::util::nr_cpus().map_err(|(path, error)| LoadError::Cpus(path, error))?;
    let mut ebpf = load_maps(settings, &layout, &btf, cpus, None)?;
    // The programs' names in the object are those of the table.
    let mut programs = Vec::new();
    let attach = |probe: &'static Probe| attach_probe(probe, settings, &layout, &btf, &mut ebpf, &mut programs);
    // Containers come first, so that no cgroup is missed while the others are attached.
    let mut order = PROBES.to_vec();
    order.sort_by_key(|probe| probe.name != "container");
    let mut probes = order.into_iter().map(attach).collect::<Vec<_>>();
    probes.sort_by_key(|status| PROBES.iter().position(|probe| probe.name == status.name));
    let mut attached = Attached::default();
    if let Some(settings) = &settings.tracepoints {
        attached = tracepoints::attach(settings, &mut ebpf, &mut programs)?;
    }
    let (mut events, mut verdicts, mut sent, mut traced) = (None, None, Vec::new(), Attached::default());
    if let Some(settings) = &settings.events {
        set_filter(settings, &mut ebpf)?;
        if settings.filter.asks_owner() {
            let map = Verdicts::new(settings.filter.clone(), take(&mut ebpf, "VERDICTS")?);
            verdicts = Some(map.map_err(|error| LoadError::Map("VERDICTS", error))?);
        }
        let ring = EventRing::new(take(&mut ebpf, "EVENTS")?);
        events = Some(ring.map_err(|error| LoadError::Map("EVENTS", error))?);
        sent = attach_events(settings, &probes, &layout, &btf, &mut ebpf, &mut programs);
        if settings.gates.contains_key(&Kind::Tracepoint) {
            let missing = layout.missing(&EVENT_PROGRAM);
            let state = if missing.is_some() { ProbeState::Unsupported } else { ProbeState::Up };
            if state == ProbeState::Up {
                traced = tracepoints::attach_events(&settings.tracepoints, &mut ebpf, &mut programs)?;
            }
            sent.push(EventStatus { kind: Kind::Tracepoint, state, reason: missing.unwrap_or_default() });
        }
    }
    let mut left_out = None;
    if !settings.calls_of.is_all() {
        let map = LeftOut::new(settings.calls_of.clone(), take(&mut ebpf, "LEFT_OUT")?);
        left_out = Some(map.map_err(|error| LoadError::Map("LEFT_OUT", error))?);
    }
    let stats = settings.stats.then(|| aya::sys::enable_stats(Stats::RunTime)).transpose().map_err(LoadError::Stats)?;

    let mut map = |name| take_data(&mut ebpf, name);
    let maps = Maps { slots: map("SLOTS")?, counts: map("COUNTS")?, edges: map("EDGES")?, losses: map("LOSS")? };
    let notices = Notices::new(take(&mut ebpf, "NOTICES")?).map_err(|error| LoadError::Map("NOTICES", error))?;
    let Maps { slots, counts, edges, losses } = &maps;
    let memory = [("slots", slots), ("counts", counts), ("edges", edges), ("losses", losses)]
        .map(|(name, map)| (name, map_memory(map.fd().as_fd().as_raw_fd())));
    let hits = settings.tracepoints.as_ref().map(|settings| {
        let map = take_data(&mut ebpf, "HITS")?;
        HitCounts::new(map, Arc::clone(&settings.hits), cpus)
    });
    let stages = Stages::new(take_data(&mut ebpf, "EVENT_STAGES")?, cpus)?;
    let counts = KernelCounts::new(maps, hits.transpose()?, &programs, cpus)?;
    let object = Object {
        _ebpf: ebpf,
        _stats: stats,
        tracepoints: attached,
        traced,
        probes,
        programs,
        events: sent,
        memory: memory.to_vec(),
    };
    Ok(Loaded { object, counts, notices, events, stages, verdicts, left_out })
}

/// How much traces can ask the kernel for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Pairs of an owner and of what is wanted.
    pub keys: u32,
    /// Tracepoints.
    pub tracepoints: u32,
}

/// Makes the maps. `traced` is, where it is traces that events are for, of how much they can ask for.
pub(super) fn load_maps(
    settings: &Settings,
    layout: &Layout,
    btf: &Btf,
    cpus: usize,
    traced: Option<Asked>,
) -> Result<Ebpf, LoadError> {
    let mut loader = EbpfLoader::new();
    loader
        .btf(Some(btf))
        .verifier_log_level(VerifierLogLevel::DEBUG)
        // That which has a value for each task is the programs' own.
        .allow_unsupported_maps()
        .map_max_entries("SLOTS", slot::PER_CPU * cpus as u32)
        .map_max_entries("COUNTS", settings.counts)
        .map_max_entries("TRACED", traced.map_or(1, |asked| asked.keys))
        .map_max_entries("EDGES", if settings.probes.contains(&"signal") { settings.edges } else { 1 });
    if let Some(tracepoints) = &settings.tracepoints {
        loader.map_max_entries("SPLITS", tracepoints.count()).map_max_entries("HITS", tracepoints.entries());
    }
    for (symbol, value) in layout.constants() {
        loader.override_global(symbol, value, true);
    }
    let (calls, call_times) = (settings.calls.bits(), u32::from(settings.call_times));
    let has_histograms = u32::from(settings.calls.have_histograms());
    let has_left_out = u32::from(!settings.calls_of.is_all());
    loader.map_max_entries("LEFT_OUT", if settings.calls_of.is_all() { 1 } else { VERDICTS });
    loader.override_global("SYSCALL_OWNERS", &has_left_out, true);
    loader.override_global("SYSCALLS", &calls, true);
    loader.override_global("SYSCALL_TIME", &call_times, true);
    let calls_are_traced = u32::from(traced.is_some());
    loader.override_global("CALLS_ARE_TRACED", &calls_are_traced, true);
    loader.override_global("SYSCALL_HISTOGRAMS", &has_histograms, true);
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
        loader.map_max_entries("VERDICTS", if events.filter.asks_owner() { VERDICTS } else { 1 });
        loader.override_global("EVENT_WATERMARK", &watermark, true);
        loader.override_global("ARGUMENTS_LIMIT", &events.arguments, true);
        loader.override_global("WORKING_DIRECTORY", &working_directory, true);
    }
    Ok(loader.load(OBJECT)?)
}

fn attach_probe(
    probe: &'static Probe,
    settings: &Settings,
    layout: &Layout,
    btf: &Btf,
    ebpf: &mut Ebpf,
    attached: &mut Vec<AttachedProgram>,
) -> ProbeStatus {
    let status = |state, reason| ProbeStatus { name: probe.name, state, reason };
    if !settings.probes.contains(&probe.name) {
        return status(ProbeState::Off, "switched off by the configuration".to_owned());
    }
    if let Some(reason) = settings.programs(probe).find_map(|program| layout.missing(program)) {
        return status(ProbeState::Unsupported, reason);
    }
    let before = attached.len();
    for program in settings.programs(probe) {
        match attach_program(program, btf, ebpf) {
            Ok(attachment) => attached.push(attachment),
            Err(error) => {
                attached.truncate(before);
                for program in settings.programs(probe) {
                    detach(program, ebpf);
                }
                return status(ProbeState::Failed, not_attached(program, &error));
            }
        }
    }
    status(ProbeState::Up, String::new())
}

/// Says which single events are sent, and what they have. Rules come before the gates that refer to them.
fn set_filter(settings: &EventSettings, ebpf: &mut Ebpf) -> Result<(), LoadError> {
    type Set = fn(&mut Map, &EventSettings) -> Result<(), MapError>;
    let reads = |map: &mut Map, _: &EventSettings| syscalls::set_reads(map);
    for (name, set) in [("RULES", events::set_rules as Set), ("GATES", events::set_gates), ("SYSCALL_READS", reads)] {
        let map = ebpf.map_mut(name).ok_or(LoadError::NoMap(name))?;
        set(map, settings).map_err(|error| LoadError::Map(name, error))?;
    }
    Ok(())
}

/// Attaches the programs that send single events. Returns what became of each kind that is wanted.
fn attach_events(
    settings: &EventSettings,
    probes: &[ProbeStatus],
    layout: &Layout,
    btf: &Btf,
    ebpf: &mut Ebpf,
    attached: &mut Vec<AttachedProgram>,
) -> Vec<EventStatus> {
    let mut events = Vec::new();
    for (probe, status) in PROBES.iter().zip(probes) {
        // A probe that sends nothing tells of its kinds by what it counts.
        let programs = if probe.events.is_empty() { probe.programs } else { probe.events };
        for program in programs {
            let kinds: Vec<_> = program.kinds.iter().filter(|kind| settings.gates.contains_key(kind)).collect();
            if kinds.is_empty() {
                continue;
            }
            let (state, reason) = if probe.events.is_empty() {
                (status.state, status.reason.clone())
            } else {
                attach_event(program, layout, btf, ebpf, attached)
            };
            for kind in kinds {
                match events.iter_mut().find(|event: &&mut EventStatus| event.kind == *kind) {
                    // Two programs send the kind together, and so far all was well.
                    Some(event) if event.state == ProbeState::Up => {
                        (event.state, event.reason) = (state, reason.clone());
                    }
                    Some(_) => {}
                    None => events.push(EventStatus { kind: *kind, state, reason: reason.clone() }),
                }
            }
        }
    }
    events
}

/// Attaches a program that sends single events. Says what became of it, and why.
pub(super) fn attach_event(
    program: &'static Program,
    layout: &Layout,
    btf: &Btf,
    ebpf: &mut Ebpf,
    attached: &mut Vec<AttachedProgram>,
) -> (ProbeState, String) {
    if let Some(reason) = layout.missing(program) {
        return (ProbeState::Unsupported, reason);
    }
    match attach_program(program, btf, ebpf) {
        Ok(attachment) => attached.push(attachment),
        Err(error) => return (ProbeState::Failed, not_attached(program, &error)),
    }
    (ProbeState::Up, String::new())
}

fn not_attached(program: &Program, error: &ProgramError) -> String {
    format!("cannot attach the program `{}`: {}", program.name, crate::error::chain(error))
}

fn attach_program(program: &'static Program, btf: &Btf, ebpf: &mut Ebpf) -> Result<AttachedProgram, ProgramError> {
    let bpf = tracepoint_program(program, ebpf).ok_or(ProgramError::NotLoaded)?;
    bpf.load(program.tracepoint, btf)?;
    bpf.attach()?;
    Ok(AttachedProgram { program, fd: bpf.fd()?.try_clone()? })
}

/// Detaches a program and lets it go.
pub(super) fn detach(program: &Program, ebpf: &mut Ebpf) {
    if let Some(bpf) = tracepoint_program(program, ebpf) {
        // One that was never loaded cannot be unloaded.
        let _ = bpf.unload();
    }
}

fn tracepoint_program<'a>(program: &Program, ebpf: &'a mut Ebpf) -> Option<&'a mut BtfTracePoint> {
    ebpf.program_mut(program.name)?.try_into().ok()
}

pub(super) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, LoadError> {
    ebpf.take_map(name).ok_or(LoadError::NoMap(name))
}

/// The same as what it is used as.
pub(super) fn take_as<T: TryFrom<Map, Error = MapError>>(ebpf: &mut Ebpf, name: &'static str) -> Result<T, LoadError> {
    take(ebpf, name)?.try_into().map_err(|error| LoadError::Map(name, error))
}

fn take_data(ebpf: &mut Ebpf, name: &'static str) -> Result<MapData, LoadError> {
    match take(ebpf, name)? {
        Map::PerCpuHashMap(data) | Map::PerCpuArray(data) | Map::Array(data) => Ok(data),
        _ => Err(LoadError::NoMap(name)),
    }
}

/// The kernel memory that a map takes, as the kernel estimates it; 0 when it does not tell.
fn map_memory(fd: i32) -> u64 {
    let text = std::fs::read_to_string(Path::new("/proc/self/fdinfo").join(fd.to_string())).unwrap_or_default();
    let bytes = text.lines().find_map(|line| line.strip_prefix("memlock:")?.trim().parse().ok());
    bytes.unwrap_or(0)
}
