//! The object of traces: the same programs that send single events, once more, with maps and a ring of their own.
//!
//! So nothing that traces do can touch a count, or take room from those who listen by configuration. It is loaded with the
//! first trace and gone with the last.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aya::{
    Btf, Ebpf, Endianness,
    maps::{Array, HashMap, MapData, MapError},
};
use doubleslit_common::{
    event::Gate,
    kind::Kind,
    probes::tracepoint::TRACEPOINTS,
    traced::{ANYBODY, LISTENER, TracedKey, owner_bit},
};

use super::{
    attach,
    btf::KernelBtf,
    element::Element,
    events::{EventRing, EventSettings},
    layout::Layout,
    maps::{self, Asking, Purpose},
    object::{self, LoadError},
    status::{AttachedProgram, ProbeState},
    syscalls,
    traced_calls::TracedCalls,
    tracepoints::Attachable,
};
use crate::{
    error::chain,
    filter::Owners,
    identity::CgroupId,
    probes::{
        PROBES, Program,
        syscall::{BEGIN, Calls},
        tracepoint::EVENT_PROGRAM,
    },
    tracepoints::table::Table,
    traces::{Kernel, Key, Switch, Wanted},
};

/// How much traces can ask for, at most: a cgroup with something that is wanted of it makes a pair.
const ASKED: Asking = Asking { keys: 65536, tracepoints: TRACEPOINTS };

/// The object of traces. Dropping it detaches and frees everything.
pub struct TraceObject {
    ebpf: Ebpf,
    layout: Layout,
    btf: Btf,
    gates: Array<MapData, Element<Gate>>,
    /// How much of each kind is sent.
    kinds: BTreeMap<Kind, usize>,
    attached: Vec<AttachedProgram>,
    table: Table,
    tracepoints: Attachable,
}

impl TraceObject {
    /// Loads the maps, and no program yet. What is wanted of whom is written to `traced` from now on. Tracepoints have the
    /// numbers of `table`.
    ///
    /// # Errors
    ///
    /// When it cannot be loaded.
    pub fn load(
        events: EventSettings,
        btf: PathBuf,
        traced: &Traced,
        table: Table,
    ) -> Result<(Self, EventRing), LoadError> {
        let settings = object::Settings {
            probes: Vec::new(),
            calls: Calls::default(),
            call_times: false,
            calls_of: Owners::default(),
            counts: 1,
            edges: 1,
            tracepoints: None,
            // Which of them are sent is told at run time.
            events: Some(EventSettings { calls: Calls::all(), ..events }),
            stats: false,
            pin: None,
            btf,
        };
        let layout = Layout::resolve(&KernelBtf::read(&settings.btf)?, &PROBES);
        let btf = Btf::parse_file(&settings.btf, Endianness::default())?;
        let cpus = aya::util::nr_cpus().map_err(|(path, error)| LoadError::Cpus(path, error))?;
        let mut ebpf = maps::load_maps(&settings, &layout, &btf, cpus, Purpose::Traces(ASKED))?;
        let reads = ebpf.map_mut("SYSCALL_READS").ok_or(LoadError::NoMap("SYSCALL_READS"))?;
        syscalls::set_reads(reads).map_err(|error| LoadError::Map("SYSCALL_READS", error))?;
        let ring = EventRing::new(maps::take(&mut ebpf, "EVENTS")?);
        let ring = ring.map_err(|error| LoadError::Map("EVENTS", error))?;
        let gates = maps::take_as(&mut ebpf, "GATES")?;
        *traced.maps() = Some(Maps {
            keys: maps::take_as(&mut ebpf, "TRACED")?,
            bits: maps::take_as(&mut ebpf, "TRACED_CALLS")?,
            owners: maps::take_as(&mut ebpf, "TRACED_OWNERS")?,
            calls: TracedCalls::default(),
        });
        let (kinds, attached, tracepoints) = (BTreeMap::new(), Vec::new(), Attachable::default());
        Ok((Self { ebpf, layout, btf, gates, kinds, attached, table, tracepoints }, ring))
    }

    /// Has something sent to those traces that want it, of those whom they want it of.
    ///
    /// # Errors
    ///
    /// When that cannot be had here: why.
    pub fn attach(&mut self, wanted: Wanted) -> Result<(), String> {
        let Wanted { kind, detail } = wanted;
        let is_first = !self.kinds.contains_key(&kind);
        if kind == Kind::Tracepoint {
            self.attach_tracepoint(detail)?;
        } else if is_first {
            self.attach_programs(kind)?;
        }
        *self.kinds.entry(kind).or_default() += 1;
        if is_first {
            let gate = self.gates.set(kind as u32, Element(Gate::open(LISTENER)), 0);
            gate.map_err(|error| {
                self.detach(wanted);
                format!("cannot open the gate of `{}`: {}", kind.name(), chain(&error))
            })?;
        }
        Ok(())
    }

    fn attach_programs(&mut self, kind: Kind) -> Result<(), String> {
        let Self { ebpf, layout, btf, attached, .. } = self;
        let mut found = false;
        for program in PROBES.iter().flat_map(|probe| probe.events).filter(|program| sends(program, kind)) {
            found = true;
            if attached.iter().any(|attached| attached.program.name == program.name) {
                continue;
            }
            let (state, reason) = attach::attach_event(program, layout, btf, ebpf, attached);
            if state != ProbeState::Up {
                self.detach_idle();
                return Err(reason);
            }
        }
        if found { Ok(()) } else { Err(format!("no single events of kind `{}`", kind.name())) }
    }

    fn attach_tracepoint(&mut self, id: u32) -> Result<(), String> {
        if let Some(reason) = self.layout.missing(&EVENT_PROGRAM) {
            return Err(reason);
        }
        let (number, traced) = self.table.find(id).ok_or_else(|| format!("no tracepoint has the number {id}"))?;
        self.tracepoints.attach(number, &traced, &mut self.ebpf).map_err(|error| chain(&error).to_string())
    }

    /// Has something sent no more.
    pub fn detach(&mut self, Wanted { kind, detail }: Wanted) {
        if kind == Kind::Tracepoint {
            self.tracepoints.detach(detail);
        }
        let Some(count) = self.kinds.get_mut(&kind) else { return };
        *count -= 1;
        if *count == 0 {
            self.kinds.remove(&kind);
            // The element is there; and what is sent in spite of it is wanted by nobody.
            let _ = self.gates.set(kind as u32, Element(Gate::default()), 0);
            self.detach_idle();
        }
    }

    /// Detaches the programs that nobody needs.
    fn detach_idle(&mut self) {
        let Self { ebpf, kinds, attached, .. } = self;
        attached.retain(|AttachedProgram { program, .. }| {
            let is_needed = kinds.keys().any(|kind| sends(program, *kind));
            if !is_needed {
                attach::detach(program, ebpf);
            }
            is_needed
        });
    }

    /// Whether nothing is sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.kinds.is_empty()
    }
}

impl fmt::Debug for TraceObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TraceObject").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

/// Whether a kind is sent by a program; or is [`Wanted::BEGINNINGS`], and the program notes them.
fn sends(program: &Program, kind: Kind) -> bool {
    if program.name == BEGIN.name { kind == Wanted::BEGINNINGS.kind } else { program.kinds.contains(&kind) }
}

/// What the kernel is told.
struct Maps {
    keys: HashMap<MapData, Element<TracedKey>, u64>,
    bits: Array<MapData, u32>,
    owners: Array<MapData, u64>,
    calls: TracedCalls,
}

impl Maps {
    fn tell_calls(&mut self, news: Vec<(u32, u32)>) -> Result<(), MapError> {
        news.into_iter().try_for_each(|(call, bits)| self.bits.set(call, bits, 0))
    }

    /// Says that calls of a cgroup may be wanted from now on.
    fn tell_owner(&mut self, cgroup: CgroupId) -> Result<(), MapError> {
        let (index, bit) = owner_bit(cgroup.0);
        let word = self.owners.get(&index, 0)?;
        if word & bit == 0 { self.owners.set(index, word | bit, 0) } else { Ok(()) }
    }

    fn on(&mut self, key: Key) -> Result<(), MapError> {
        if key.wanted.kind == Kind::Syscall
            && let Some(cgroup) = key.cgroup
        {
            self.tell_owner(cgroup)?;
        }
        self.keys.insert(element(key), 0, 0)?;
        if key.wanted.kind == Kind::Syscall {
            let news = self.calls.on(key.wanted.detail, key.cgroup.is_none());
            self.tell_calls(news)?;
        }
        Ok(())
    }

    fn off(&mut self, key: Key) -> Result<(), MapError> {
        if key.wanted.kind == Kind::Syscall {
            let news = self.calls.off(key.wanted.detail, key.cgroup.is_none());
            self.tell_calls(news)?;
        }
        self.keys.remove(&element(key))
    }
}

/// What is wanted of whom, as the kernel has it, while the object of traces is loaded. Clones are the same.
#[derive(Clone, Default)]
pub struct Traced(Arc<Mutex<Option<Maps>>>);

impl Traced {
    fn maps(&self) -> MutexGuard<'_, Option<Maps>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the maps go, as the object is gone.
    pub fn unload(&self) {
        *self.maps() = None;
    }

    /// What the kernel is asked for, by what is wanted of whom.
    ///
    /// # Errors
    ///
    /// When the map cannot be read.
    pub fn read(&self) -> Result<Vec<TracedKey>, MapError> {
        let maps = self.maps();
        let keys = maps.iter().flat_map(|maps| maps.keys.keys());
        keys.map(|key| key.map(|Element(key)| key)).collect()
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Traced").finish_non_exhaustive()
    }
}

impl Switch<Key> for Traced {
    fn on(&mut self, key: Key) -> Result<(), String> {
        let mut maps = self.maps();
        let maps = maps.as_mut().ok_or_else(|| "the programs of traces are not loaded".to_owned())?;
        maps.on(key).map_err(|error| {
            let owner = key.cgroup.map_or_else(|| "anybody".to_owned(), |cgroup| format!("cgroup {}", cgroup.0));
            format!("cannot ask for `{}` of {owner}: {}", key.wanted.kind.name(), chain(&error))
        })
    }

    fn off(&mut self, key: Key) {
        if let Some(maps) = self.maps().as_mut() {
            // It was switched on, so it is there.
            let _ = maps.off(key);
        }
    }
}

impl Kernel for Traced {
    fn lost(&self, key: Key) -> u64 {
        self.maps().as_ref().and_then(|maps| maps.keys.get(&element(key), 0).ok()).unwrap_or_default()
    }
}

fn element(Key { cgroup, wanted }: Key) -> Element<TracedKey> {
    let cgroup = cgroup.map_or(ANYBODY, |cgroup| cgroup.0);
    Element(TracedKey { cgroup, kind: wanted.kind as u32, detail: wanted.detail })
}
