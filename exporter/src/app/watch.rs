//! Single events for one listener, without a server.

use std::{fmt, io, sync::Arc, time::Duration};

use tokio::time;
use tracing::info;

use super::{
    AppError, events,
    observe::{self, Observation},
    runtime, stop_signal,
    unread::unread,
};
use crate::{
    config::Config,
    events::{
        account::{Account, DECODE, OfKind},
        event::Event,
        hub::Subscription,
        writer::Writer,
    },
};

/// How long the end waits for what is still to be written. Who stopped reading must not hold it up.
const GRACE: Duration = Duration::from_millis(300);

/// Events that were not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Whoever reads them was slow.
    pub missed: u64,
    /// The ring was full.
    pub lost: u64,
    /// They were not understood.
    pub malformed: u64,
}

impl fmt::Display for Unseen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { missed, lost, malformed } = self;
        write!(
            formatter,
            "events not shown: {missed} because their reader is slow, {lost} because the ring was full, {malformed} because \
             they were not understood"
        )
    }
}

/// Hands every event that is wanted to `write`, until SIGTERM, SIGINT, an error of `write`, or until nobody reads standard
/// output any more, which is no failure. What happened before a signal is still written. Returns what could not be.
///
/// # Errors
///
/// When something that is needed cannot be had, or `write` fails.
pub fn watch(
    config: &Config,
    write: impl FnMut(&[Event]) -> io::Result<()> + Send + 'static,
) -> Result<Unseen, AppError> {
    runtime()?.block_on(async {
        let stop = stop_signal().map_err(AppError::Signals)?;
        let (observation, subscription) = begin(config, "watch")?;
        let writer = Writer::start(subscription, write).map_err(AppError::Runtime)?;
        let unread = unread().map_err(AppError::Runtime)?;
        info!("watching");
        match until_stopped(observation, writer, stop, unread).await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Unseen::default()),
            result => result.map_err(AppError::Write),
        }
    })
}

/// Starts to observe, for one who listens under this name.
pub(super) fn begin(config: &Config, name: &'static str) -> Result<(Observation, Subscription), AppError> {
    let observation = observe::start(config, vec!["container"], None, Some(events::settings(config)?))?;
    if let Some(reason) = observation.object.without_events() {
        return Err(AppError::NoEvents(reason.to_owned()));
    }
    let subscription = observation.hub.subscribe(name);
    Ok((observation, subscription))
}

async fn until_stopped(
    observation: Observation,
    mut writer: Writer,
    stop: impl Future<Output = ()>,
    unread: impl Future<Output = ()>,
) -> io::Result<Unseen> {
    tokio::select! {
        result = &mut writer.result => return result.unwrap_or(Ok(())).map(|()| Unseen::default()),
        () = unread => return Err(io::ErrorKind::BrokenPipe.into()),
        () = stop => {}
    }
    let hub = Arc::clone(&observation.hub);
    let books = observation.finish().await;
    if let Ok(Ok(result)) = time::timeout(GRACE, &mut writer.result).await {
        result?;
    }
    let account = match books {
        Some(books) => books.closed().await,
        None => Account::default(),
    };
    tell(&account);
    Ok(unseen(&account, hub.published().saturating_sub(writer.written())))
}

/// What was not seen by one who missed so many.
pub(super) fn unseen(account: &Account, missed: u64) -> Unseen {
    let of_reason = |reason| account.kinds.values().filter_map(|kind| kind.lost.get(reason)).sum::<u64>();
    let malformed = of_reason(DECODE) + account.unknown;
    Unseen { missed, lost: account.lost() - malformed, malformed }
}

/// Says what became of all events before they were written.
fn tell(account: &Account) {
    let sum = |number: fn(&OfKind) -> u64| account.kinds.values().map(number).sum::<u64>();
    let (generated, received) = (sum(|kind| kind.generated), sum(|kind| kind.received));
    let (filtered, sampled_out) = (sum(|kind| kind.filtered), sum(|kind| kind.sampled_out));
    info!(generated, filtered, sampled_out, lost = account.lost(), received, "watched");
}
