//! The object of traces: the same programs that send single events, once more, with maps and a ring of their own.
//!
//! So nothing that traces do can touch a count, or take room from those who listen by configuration. It is loaded with the
//! first trace and gone with the last.

use std::{
    collections::BTreeSet,
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
    traced::{ANYBODY, LISTENER, TracedKey},
};

use super::{
    btf::KernelBtf,
    element::Element,
    events::{EventRing, EventSettings},
    layout::Layout,
    object::{self, LoadError},
    status::{AttachedProgram, ProbeState},
};
use crate::{
    error::chain,
    filter::Owners,
    probes::{PROBES, Program, syscall::Calls},
    traces::{Kernel, Key, Switch},
};

/// How many pairs of a cgroup and a kind traces can ask for, at most.
const TRACED: u32 = 65536;

/// The object of traces. Dropping it detaches and frees everything.
pub struct TraceObject {
    ebpf: Ebpf,
    layout: Layout,
    btf: Btf,
    gates: Array<MapData, Element<Gate>>,
    kinds: BTreeSet<Kind>,
    attached: Vec<AttachedProgram>,
}

impl TraceObject {
    /// Loads the maps, and no program yet. What is wanted of whom is written to `traced` from now on.
    ///
    /// # Errors
    ///
    /// When it cannot be loaded.
    pub fn load(events: EventSettings, btf: PathBuf, traced: &Traced) -> Result<(Self, EventRing), LoadError> {
        let settings = object::Settings {
            probes: Vec::new(),
            calls: Calls::default(),
            call_times: false,
            calls_of: Owners::default(),
            counts: 1,
            edges: 1,
            tracepoints: None,
            events: Some(events),
            stats: false,
            btf,
        };
        let layout = Layout::resolve(&KernelBtf::read(&settings.btf)?, &PROBES);
        let btf = Btf::parse_file(&settings.btf, Endianness::default())?;
        let cpus = aya::util::nr_cpus().map_err(|(path, error)| LoadError::Cpus(path, error))?;
        let mut ebpf = object::load_maps(&settings, &layout, &btf, cpus, TRACED)?;
        let ring = EventRing::new(object::take(&mut ebpf, "EVENTS")?);
        let ring = ring.map_err(|error| LoadError::Map("EVENTS", error))?;
        let gates = Array::try_from(object::take(&mut ebpf, "GATES")?);
        let gates = gates.map_err(|error| LoadError::Map("GATES", error))?;
        let wanted = HashMap::try_from(object::take(&mut ebpf, "TRACED")?);
        *traced.map() = Some(wanted.map_err(|error| LoadError::Map("TRACED", error))?);
        Ok((Self { ebpf, layout, btf, gates, kinds: BTreeSet::new(), attached: Vec::new() }, ring))
    }

    /// Has a kind sent to those traces that want it, of those whom they want it of.
    ///
    /// # Errors
    ///
    /// When that cannot be had here: why.
    pub fn attach(&mut self, kind: Kind) -> Result<(), String> {
        let program = program(kind).ok_or_else(|| format!("no single events of kind `{}`", kind.name()))?;
        let gate = self.gates.set(kind as u32, Element(Gate::open(LISTENER)), 0);
        gate.map_err(|error| format!("cannot open the gate of `{}`: {}", kind.name(), chain(&error)))?;
        if !self.attached.iter().any(|attached| attached.program.name == program.name) {
            let Self { ebpf, layout, btf, attached, .. } = self;
            let (state, reason) = object::attach_event(program, layout, btf, ebpf, attached);
            if state != ProbeState::Up {
                return Err(reason);
            }
        }
        self.kinds.insert(kind);
        Ok(())
    }

    /// Has a kind sent no more.
    pub fn detach(&mut self, kind: Kind) {
        self.kinds.remove(&kind);
        // The element is there; and what is sent in spite of it is wanted by nobody.
        let _ = self.gates.set(kind as u32, Element(Gate::default()), 0);
        let Some(program) = program(kind) else { return };
        if !program.kinds.iter().any(|kind| self.kinds.contains(kind)) {
            self.attached.retain(|attached| attached.program.name != program.name);
            object::detach(program, &mut self.ebpf);
        }
    }

    /// Whether no kind is sent.
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

/// The program that sends a kind.
fn program(kind: Kind) -> Option<&'static Program> {
    PROBES.iter().flat_map(|probe| probe.events).find(|program| program.kinds.contains(&kind))
}

type Map = HashMap<MapData, Element<TracedKey>, u64>;

/// What is wanted of whom, as the kernel has it, while the object of traces is loaded. Clones are the same.
#[derive(Clone, Default)]
pub struct Traced(Arc<Mutex<Option<Map>>>);

impl Traced {
    fn map(&self) -> MutexGuard<'_, Option<Map>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the map go, as the object is gone.
    pub fn unload(&self) {
        *self.map() = None;
    }

    /// What the kernel is asked for: of each cgroup, or of anybody, the kinds.
    ///
    /// # Errors
    ///
    /// When the map cannot be read.
    pub fn read(&self) -> Result<BTreeSet<(u64, u32)>, MapError> {
        let map = self.map();
        let keys = map.iter().flat_map(HashMap::keys);
        keys.map(|key| key.map(|Element(key)| (key.cgroup, key.kind))).collect()
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Traced").finish_non_exhaustive()
    }
}

impl Switch<Key> for Traced {
    fn on(&mut self, key: Key) -> Result<(), String> {
        let mut map = self.map();
        let map = map.as_mut().ok_or_else(|| "the programs of traces are not loaded".to_owned())?;
        map.insert(element(key), 0, 0).map_err(|error| {
            let owner = key.cgroup.map_or_else(|| "anybody".to_owned(), |cgroup| format!("cgroup {}", cgroup.0));
            format!("cannot ask for `{}` of {owner}: {}", key.wanted.kind.name(), chain(&error))
        })
    }

    fn off(&mut self, key: Key) {
        if let Some(map) = self.map().as_mut() {
            // It was switched on, so it is there.
            let _ = map.remove(&element(key));
        }
    }
}

impl Kernel for Traced {
    fn lost(&self, key: Key) -> u64 {
        self.map().as_ref().and_then(|map| map.get(&element(key), 0).ok()).unwrap_or_default()
    }
}

fn element(Key { cgroup, wanted }: Key) -> Element<TracedKey> {
    let cgroup = cgroup.map_or(ANYBODY, |cgroup| cgroup.0);
    Element(TracedKey { cgroup, kind: wanted.kind as u32, detail: wanted.detail })
}
