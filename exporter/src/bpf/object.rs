//! Loading the BPF object: constants from the kernel's layout, capacities from the configuration, programs one by one.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::PathBuf,
    sync::Arc,
};

use aya::{Btf, Ebpf, EbpfError, Endianness, maps::MapError, programs::ProgramError, sys::Stats};
use doubleslit_common::{kind::Kind, slot};

use super::{
    attach::{attach_events, attach_probe},
    btf::{BtfError, KernelBtf},
    events::{EventRing, EventSettings, Stages},
    gates::{GateError, Gates},
    layout::Layout,
    left_out::LeftOut,
    maps::{Purpose, ledger, load_maps, map_memory, take, take_as, take_data},
    notices::Notices,
    pin::{self, Asked, PinError, Pinned, Pins},
    source::{KernelCounts, Maps},
    status::{AttachedProgram, EventStatus, ProbeState, ProbeStatus},
    sys, syscalls,
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

pub(super) static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/doubleslit-ebpf"));

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
    /// The directory in which maps and programs outlive the exporter, if they do.
    pub pin: Option<PathBuf>,
    /// The kernel's type information, normally [`KERNEL_BTF`].
    pub btf: PathBuf,
}

impl Settings {
    /// The programs of a probe that are needed.
    pub(super) fn programs(&self, probe: &'static Probe) -> impl Iterator<Item = &'static Program> {
        let call_times = self.call_times;
        probe.programs.iter().filter(move |program| call_times || program.name != syscall::ENTRY.name)
    }

    /// The constants about what system calls have counted.
    pub(super) fn calls_are(&self) -> [(&'static str, u32); 3] {
        [
            ("SYSCALL_TIME", u32::from(self.call_times)),
            ("SYSCALL_HISTOGRAMS", u32::from(self.calls.have_histograms())),
            ("SYSCALL_OWNERS", u32::from(!self.calls_of.is_all())),
        ]
    }

    /// The capacities of the maps of counts.
    pub(super) fn capacities(&self, cpus: usize) -> Vec<(&'static str, u32)> {
        let mut capacities = vec![
            ("SLOTS", slot::PER_CPU * cpus as u32),
            ("COUNTS", self.counts),
            ("EDGES", if self.probes.contains(&"signal") { self.edges } else { 1 }),
            ("LEFT_OUT", if self.calls_of.is_all() { 1 } else { VERDICTS }),
        ];
        if let Some(tracepoints) = &self.tracepoints {
            capacities.extend([("SPLITS", tracepoints.count()), ("HITS", tracepoints.entries())]);
        }
        capacities
    }

    /// The name of the set of programs and maps that count by these settings.
    fn identity(&self, layout: &Layout, cpus: usize) -> String {
        let tracepoints = self.tracepoints.iter().flat_map(|settings| settings.hits.tracepoints());
        pin::identity(
            OBJECT,
            &Asked {
                cpus,
                layout: layout.constants().map(|(symbol, value)| (symbol, *value)).collect(),
                calls: &self.calls.bits(),
                calls_are: self.calls_are(),
                capacities: self.capacities(cpus),
                tracepoints: tracepoints.map(|tracepoint| (tracepoint.id, tracepoint.splits())).collect(),
            },
        )
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
    /// The gates of single events could not be opened.
    #[error("cannot say which single events are sent")]
    Gates(#[from] GateError),
    /// Memory that is shared with the kernel could not be had.
    #[error("cannot map the slots and what is known of them into memory")]
    Memory(#[source] io::Error),
    /// Maps and programs cannot outlive the exporter.
    #[error("cannot pin the maps and programs")]
    Pin(#[from] PinError),
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

/// The loaded object. Dropping it detaches and frees everything but what is pinned.
#[derive(Debug)]
pub struct Object {
    _ebpf: Ebpf,
    _stats: Option<OwnedFd>,
    pins: Option<Pins>,
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
    /// Whether the counts outlive the exporter.
    #[must_use]
    pub fn pinned(&self) -> Pinned {
        self.pins.as_ref().map(Pins::state).unwrap_or_default()
    }

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
    /// What is let into the ring, if somebody listens.
    pub gates: Option<Gates>,
    /// What the kernel wants to know of owners, if somebody listens.
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
    let open = |root: &PathBuf| Pins::open(root, settings.identity(&layout, cpus));
    let mut pins = settings.pin.as_ref().map(open).transpose()?;
    let mut ebpf = load_maps(settings, &layout, &btf, cpus, Purpose::Counts(pins.as_ref()))?;
    let ledger = ledger(pins.as_ref(), cpus)?;
    // The programs' names in the object are those of the table.
    let mut programs = Vec::new();
    let attach =
        |probe: &'static Probe| attach_probe(probe, settings, &layout, &btf, &mut ebpf, pins.as_ref(), &mut programs);
    // Containers come first, so that no cgroup is missed while the others are attached.
    let mut order = PROBES.to_vec();
    order.sort_by_key(|probe| probe.name != "container");
    let mut probes = order.into_iter().map(attach).collect::<Vec<_>>();
    probes.sort_by_key(|status| PROBES.iter().position(|probe| probe.name == status.name));
    let mut attached = Attached::default();
    if let Some(settings) = &settings.tracepoints {
        attached = tracepoints::attach(settings, &mut ebpf, pins.as_ref(), &mut programs)?;
    }
    let (mut events, mut gates, mut verdicts, mut sent) = (None, None, None, Vec::new());
    let mut traced = Attached::default();
    if let Some(settings) = &settings.events {
        let reads = ebpf.map_mut("SYSCALL_READS").ok_or(LoadError::NoMap("SYSCALL_READS"))?;
        syscalls::set_reads(reads).map_err(|error| LoadError::Map("SYSCALL_READS", error))?;
        let opened = Gates::open(take_as(&mut ebpf, "RULES")?, take_as(&mut ebpf, "GATES")?, settings)?;
        let map = Verdicts::new(opened.filter(), take(&mut ebpf, "VERDICTS")?);
        verdicts = Some(map.map_err(|error| LoadError::Map("VERDICTS", error))?);
        gates = Some(opened);
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
    let counts = KernelCounts::new(maps, ledger, hits.transpose()?, &programs, cpus)?;
    if let Some(pins) = &mut pins {
        pins.complete()?;
    }
    let object = Object {
        _ebpf: ebpf,
        _stats: stats,
        pins,
        tracepoints: attached,
        traced,
        probes,
        programs,
        events: sent,
        memory: memory.to_vec(),
    };
    Ok(Loaded { object, counts, notices, events, stages, gates, verdicts, left_out })
}
