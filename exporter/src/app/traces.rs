//! Traces: what is loaded for them and who reads it, while there are some.

use std::sync::{Arc, OnceLock};

use doubleslit_common::kind::Kind;
use tokio::{runtime::Handle, sync::mpsc};

use super::{
    AppError, events,
    means::Tracing,
    observe::{self, Observation, Reading},
};
use crate::{
    bpf::{
        events::EventSettings,
        object::KERNEL_BTF,
        traces::{TraceObject, Traced},
    },
    config::Config,
    error::chain,
    events::{
        reader::{self, Reader},
        received::Received,
        redact::Redaction,
        syscalls::Signatures,
    },
    identity::registry::Registry,
    probes::syscall::Calls,
    tracepoints::{name::Selector, select, table::Table, traced},
    traces::{Catalogue, Inlet, Switch, Traces, Wanted},
};

/// Traces without a server: containers are followed, and nothing is counted. Dropping it ends all of them.
#[derive(Debug)]
pub struct Tracer {
    observation: Observation,
    traced: Traced,
}

impl Tracer {
    /// Starts to follow containers. To be called where tasks of tokio can be started.
    ///
    /// # Errors
    ///
    /// When something that is needed cannot be had.
    pub fn start(config: &Config) -> Result<Self, AppError> {
        let observation = observe::start(config, vec!["container"], None, None)?;
        let traced = observation.traced.clone();
        Ok(Self { observation, traced })
    }

    /// The traces.
    #[must_use]
    pub fn traces(&self) -> &Traces {
        &self.observation.traces
    }

    /// What the kernel is asked for.
    #[must_use]
    pub fn traced(&self) -> &Traced {
        &self.traced
    }
}

/// Starts what has traces begin and end. It learns of containers by the registry.
pub(super) fn start(config: &Config, tracing: Tracing, registry: &Arc<Registry>) -> Result<(Traces, Traced), AppError> {
    let traced = Traced::default();
    let tracepoints = Tracepoints { tracing, table: Table::default() };
    let (traces, worker) = Traces::new(traced.clone(), tracepoints.clone(), config.ignore.clone());
    registry.watch(traces.inlet());
    let programs = Programs {
        settings: events::of_no_kind(&config.events),
        redaction: config.events.arguments.redact.clone(),
        traced: traced.clone(),
        tracepoints,
        signatures: Arc::default(),
        inlet: traces.inlet(),
        registry: Arc::clone(registry),
        runtime: Handle::current(),
        loaded: None,
    };
    worker.start(programs).map_err(AppError::Traces)?;
    Ok((traces, traced))
}

/// The kernel's tracepoints, and those of them that traces have asked for.
#[derive(Clone, Debug)]
struct Tracepoints {
    tracing: Tracing,
    table: Table,
}

impl Catalogue for Tracepoints {
    fn tracepoints(&self, selector: &Selector) -> Result<Vec<u32>, String> {
        let wanted = select::Wanted { selector: selector.clone(), by: Vec::new(), events: true, raw: false };
        let found = self.tracing.find().map_err(Into::into);
        let found = found.and_then(|tracefs| traced::traced(&tracefs, &[wanted]));
        let found = found.map_err(|error| chain(&error).to_string())?;
        let add = |traced: traced::Traced| {
            let id = traced.format.id;
            self.table.add(traced).map(|()| id).map_err(|error| error.to_string())
        };
        found.into_iter().map(add).collect()
    }
}

/// The programs that send events to traces, and the task that reads them.
struct Programs {
    settings: EventSettings,
    redaction: Redaction,
    traced: Traced,
    tracepoints: Tracepoints,
    signatures: Arc<OnceLock<Signatures>>,
    inlet: Inlet,
    registry: Arc<Registry>,
    runtime: Handle,
    loaded: Option<(TraceObject, Reading)>,
}

impl Programs {
    /// The object, which is loaded if it is not.
    fn object(&mut self) -> Result<&mut TraceObject, String> {
        let loaded = match self.loaded.take() {
            Some(loaded) => loaded,
            None => self.load()?,
        };
        Ok(&mut self.loaded.insert(loaded).0)
    }

    fn load(&self) -> Result<(TraceObject, Reading), String> {
        let table = self.tracepoints.table.clone();
        let loaded = TraceObject::load(self.settings.clone(), KERNEL_BTF.into(), &self.traced, table.clone());
        let (object, source) = loaded.map_err(|error| chain(&error).to_string())?;
        let reader = Reader {
            source,
            // Starts and stops of containers are not traced.
            changes: mpsc::channel(1).1,
            registry: Arc::clone(&self.registry),
            hub: Arc::new(self.inlet.clone()),
            received: Arc::<Received>::default(),
            tracepoints: table,
            signatures: Arc::clone(&self.signatures),
            redaction: self.redaction.clone(),
            wanted: reader::Wanted::default(),
        };
        let _tasks = self.runtime.enter();
        Ok((object, observe::read(reader)))
    }

    fn unload_if_idle(&mut self) {
        if self.loaded.as_ref().is_some_and(|(object, _)| object.is_idle()) {
            // The reader ends by itself, with what is left in the ring.
            self.loaded = None;
            self.traced.unload();
        }
    }
}

impl Switch<Wanted> for Programs {
    fn on(&mut self, wanted: Wanted) -> Result<(), String> {
        if wanted.kind == Kind::Syscall {
            let tracing = &self.tracepoints.tracing;
            self.signatures.get_or_init(|| events::signatures(tracing, &Calls::all()));
        }
        let result = self.object()?.attach(wanted);
        self.unload_if_idle();
        result
    }

    fn off(&mut self, wanted: Wanted) {
        if let Some((object, _)) = &mut self.loaded {
            object.detach(wanted);
        }
        self.unload_if_idle();
    }
}
