//! Traces: what is loaded for them and who reads it, while there are some.

use std::sync::Arc;

use tokio::{runtime::Handle, sync::mpsc};

use super::{
    AppError, events,
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
    },
    identity::registry::Registry,
    traces::{Inlet, Switch, Traces, Wanted},
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
pub(super) fn start(config: &Config, registry: &Arc<Registry>) -> Result<(Traces, Traced), AppError> {
    let traced = Traced::default();
    let (traces, worker) = Traces::new(traced.clone(), config.ignore.clone());
    registry.watch(traces.inlet());
    let programs = Programs {
        settings: events::of_no_kind(&config.events),
        redaction: config.events.arguments.redact.clone(),
        traced: traced.clone(),
        inlet: traces.inlet(),
        registry: Arc::clone(registry),
        runtime: Handle::current(),
        loaded: None,
    };
    worker.start(programs).map_err(AppError::Traces)?;
    Ok((traces, traced))
}

/// The programs that send events to traces, and the task that reads them.
struct Programs {
    settings: EventSettings,
    redaction: Redaction,
    traced: Traced,
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
        let loaded = TraceObject::load(self.settings.clone(), KERNEL_BTF.into(), &self.traced);
        let (object, source) = loaded.map_err(|error| chain(&error).to_string())?;
        let reader = Reader {
            source,
            // Starts and stops of containers are not traced.
            changes: mpsc::channel(1).1,
            registry: Arc::clone(&self.registry),
            hub: Arc::new(self.inlet.clone()),
            received: Arc::<Received>::default(),
            tracepoints: Arc::default(),
            signatures: Arc::default(),
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
        let result = self.object()?.attach(wanted.kind);
        self.unload_if_idle();
        result
    }

    fn off(&mut self, wanted: Wanted) {
        if let Some((object, _)) = &mut self.loaded {
            object.detach(wanted.kind);
        }
        self.unload_if_idle();
    }
}
