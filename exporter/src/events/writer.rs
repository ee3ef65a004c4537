//! A thread that writes events for one listener. It may be stuck in a write for ever, and nobody else waits with it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use tokio::{runtime::Handle, sync::oneshot};
use tracing::warn;

use super::{event::Event, hub::Subscription};

/// The thread's handle.
#[derive(Debug)]
pub struct Writer {
    /// How the writing ended: when the subscription does, or with the first error.
    pub result: oneshot::Receiver<io::Result<()>>,
    written: Arc<AtomicU64>,
}

impl Writer {
    /// Starts writing, from within a runtime.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(
        mut subscription: Subscription,
        mut write: impl FnMut(&[Event]) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, result) = oneshot::channel();
        let written = Arc::<AtomicU64>::default();
        let (runtime, count) = (Handle::current(), Arc::clone(&written));
        let run = async move {
            let mut is_told = false;
            while let Some((batch, missed)) = subscription.next().await {
                if missed > 0 && !is_told {
                    warn!("events are missed, because their reader is slow; the end tells how many");
                    is_told = true;
                }
                write(&batch.events)?;
                count.fetch_add(batch.events.len() as u64, Ordering::Release);
            }
            Ok(())
        };
        thread::Builder::new().name("writer".to_owned()).spawn(move || {
            // Nobody may be interested any more.
            let _ = sender.send(runtime.block_on(run));
        })?;
        Ok(Self { result, written })
    }

    /// How many events were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::events::{fake, hub::Hub};

    #[tokio::test]
    async fn writes_what_is_there_and_ends_with_the_hub() {
        let hub = Hub::default();
        let (sender, received) = mpsc::channel();
        let mut writer =
            Writer::start(hub.subscribe("test"), move |events| sender.send(events.len()).map_err(io::Error::other))
                .expect("a thread can be started");
        hub.publish(vec![fake::exec(); 2]);
        hub.publish(vec![fake::exec()]);
        drop(hub);
        (&mut writer.result).await.expect("it tells").expect("nothing fails");
        assert_eq!(received.iter().collect::<Vec<_>>(), [2, 1]);
        assert_eq!(writer.written(), 3);
    }

    #[tokio::test]
    async fn ends_with_the_first_error() {
        let hub = Hub::default();
        let mut writer = Writer::start(hub.subscribe("test"), |_| Err(io::ErrorKind::BrokenPipe.into()))
            .expect("a thread can be started");
        hub.publish(vec![fake::exec()]);
        let error = (&mut writer.result).await.expect("it tells").expect_err("it fails");
        assert_eq!((error.kind(), writer.written()), (io::ErrorKind::BrokenPipe, 0));
    }
}
