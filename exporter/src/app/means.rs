//! What an observation needs that a restricted process could not get itself any more.

use std::{path::PathBuf, sync::Arc};

use crate::{
    config::Config,
    others::Looks,
    tracepoints::tracefs::{Tracefs, TracefsError},
};

/// What an observation needs.
#[derive(Debug)]
pub(super) struct Means {
    /// Who looks at other processes.
    pub(super) looks: Looks,
    /// The trace file system.
    pub(super) tracing: Tracing,
}

impl Means {
    /// Those of a process that is not restricted.
    pub(super) fn own(config: &Config) -> Self {
        let host_root = &config.identity.host_root;
        Self { looks: Looks::own(host_root), tracing: Tracing { host_root: host_root.clone(), held: None } }
    }
}

/// The trace file system: that which was found at start, which may be mounted at no place, or that which is there now.
#[derive(Clone, Debug)]
pub(super) struct Tracing {
    host_root: PathBuf,
    held: Option<Arc<Tracefs>>,
}

impl Tracing {
    /// Finds it, and keeps it.
    pub(super) fn hold(config: &Config) -> Self {
        let host_root = config.identity.host_root.clone();
        let held = Tracefs::find(&host_root).ok().map(Arc::new);
        Self { host_root, held }
    }

    /// That which was found at start.
    pub(super) fn held(&self) -> Option<&Tracefs> {
        self.held.as_deref()
    }

    /// Where it is.
    pub(super) fn find(&self) -> Result<Arc<Tracefs>, TracefsError> {
        self.held.clone().map_or_else(|| Tracefs::find(&self.host_root).map(Arc::new), Ok)
    }
}
