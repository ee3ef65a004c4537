//! Streams that may be open at once.

use std::{fmt, sync::Arc, time::Duration};

use axum::{http::StatusCode, response::Response};
use tokio::sync::Semaphore;

use super::{form::Form, problem::Problem, stream, traces};
use crate::{
    events::hub::Subscription,
    traces::{Phase, Spec, Traces},
    web::{Refusal, Stopping},
};

/// How often it is looked whether the kernel sends what a stream asks for.
const LOOK: Duration = Duration::from_millis(5);

/// A bounded number of streams. Clones share the bound.
#[derive(Clone)]
pub struct Streams {
    traces: Traces,
    stopping: Stopping,
    max: usize,
    permits: Arc<Semaphore>,
}

impl Streams {
    /// No more than so many at once. They end when the servers begin to stop.
    #[must_use]
    pub fn new(traces: Traces, stopping: Stopping, max: usize) -> Self {
        Self { traces, stopping, max, permits: Arc::new(Semaphore::new(max)) }
    }

    /// Begins a trace that ends with its stream, and answers with its events as soon as the kernel sends them.
    ///
    /// # Errors
    ///
    /// When too many are open, or the trace cannot be had.
    pub async fn begin(&self, spec: Spec, form: Form) -> Result<Response, Problem> {
        let permit = self.permit()?;
        let created = traces::create(&self.traces, None, "stream", spec)?;
        let own = Own { traces: self.traces.clone(), name: created.name };
        let subscription = self.traces.subscribe(&own.name)?;
        loop {
            let status = self.traces.get(&own.name)?.status;
            match status.phase {
                Phase::Pending => tokio::time::sleep(LOOK).await,
                Phase::Failed => return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, status.message)),
                Phase::Running | Phase::Complete => break,
            }
        }
        Ok(stream::answer(subscription, form, self.stopping.clone(), (own, permit)))
    }

    /// Answers with the events of a trace of somebody else's.
    ///
    /// # Errors
    ///
    /// When too many are open.
    pub(super) fn follow(&self, subscription: Subscription, form: Form) -> Result<Response, Problem> {
        Ok(stream::answer(subscription, form, self.stopping.clone(), self.permit()?))
    }

    /// The right to one more stream.
    fn permit(&self) -> Result<impl Send + 'static, Problem> {
        Arc::clone(&self.permits).try_acquire_owned().map_err(|_| {
            let detail = format!("{} streams are open already, and there may be no more: end one", self.max);
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).counted(Refusal::Streams)
        })
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Streams").field("max", &self.max).finish_non_exhaustive()
    }
}

/// A trace that ends with its stream.
#[derive(Debug)]
struct Own {
    traces: Traces,
    name: String,
}

impl Drop for Own {
    fn drop(&mut self) {
        // Somebody may have deleted it.
        let _ = self.traces.delete(&self.name);
    }
}
