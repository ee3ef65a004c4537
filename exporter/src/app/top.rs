//! Counts for a table, without a server.

use std::{
    io,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::Event;
use tokio::{
    signal::unix::{SignalKind, signal},
    time,
};
use tracing::info;

use super::{
    AppError,
    observe::{self, Observation},
    runtime, stop_signal,
};
use crate::{
    bpf::status::ProbeState,
    config::Config,
    counts::snapshot::Snapshot,
    identity::labels::RowLabels,
    probes::{PROBES, container, syscall},
    top::{
        LABELS, Options, View,
        board::{Board, Row},
        panel::{Panel, Wish},
        screen::Screen,
    },
};

/// What was counted in an interval.
#[derive(Debug)]
pub struct Measured {
    /// How long it was.
    pub seconds: f64,
    /// Whatever counted in it, in no order.
    pub rows: Vec<Row>,
}

/// Counts for an interval, or until SIGTERM or SIGINT if that is sooner.
///
/// # Errors
///
/// When something that is needed cannot be had.
pub fn measure(config: &Config, view: View, interval: Duration) -> Result<Measured, AppError> {
    runtime()?.block_on(async {
        let stop = stop_signal().map_err(AppError::Signals)?;
        let mut counting = Counting::start(config, view, interval).await?;
        let mut board = Board::new(view, &counting.last);
        info!("measuring");
        // Which of them it is makes no difference.
        let _ = time::timeout(interval, stop).await;
        let (snapshot, seconds) = counting.next().await.ok_or(AppError::Unread)?;
        board.add(&snapshot, seconds);
        counting.finish().await;
        Ok(Measured { seconds, rows: board.rows() })
    })
}

/// Shows counts on the terminal until a key, SIGTERM, SIGINT or SIGHUP ends it.
///
/// # Errors
///
/// When something that is needed cannot be had, or there is no terminal.
pub fn top(config: &Config, options: Options) -> Result<(), AppError> {
    runtime()?.block_on(async {
        let stop = stop_signal().map_err(AppError::Signals)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(AppError::Signals)?;
        let mut stop = pin!(stop);
        let interval_max = Panel::interval_max(options.interval);
        let mut counting = Counting::start(config, options.view, interval_max).await?;
        let mut panel = Panel::new(options, &counting.last);
        let mut screen = Screen::open().map_err(AppError::Terminal)?;
        let mut events = screen.events().map_err(AppError::Terminal)?;
        loop {
            show(&mut screen, &panel).map_err(AppError::Terminal)?;
            let wish = tokio::select! {
                () = &mut stop => Wish::Quit,
                _ = hangup.recv() => Wish::Quit,
                event = events.recv() => match event {
                    Some(Event::Key(key)) => panel.press(key),
                    // The terminal may have another size.
                    Some(_) => Wish::Stay,
                    None => Wish::Quit,
                },
                () = time::sleep_until((counting.taken + panel.interval()).into()) => {
                    if let Some((snapshot, seconds)) = counting.next().await {
                        panel.add(&snapshot, seconds);
                    }
                    Wish::Stay
                }
            };
            match wish {
                Wish::Stay => {}
                Wish::Quit => break,
                Wish::Switch => {
                    counting.finish().await;
                    counting = Counting::start(config, panel.view().other(), interval_max).await?;
                    panel.switch(&counting.last);
                }
            }
        }
        drop(screen);
        counting.finish().await;
        Ok(())
    })
}

fn show(screen: &mut Screen, panel: &Panel) -> io::Result<()> {
    let (width, height) = screen.size()?;
    screen.show(&panel.lines(width, height))
}

/// What counts, and what it has counted.
struct Counting {
    observation: Observation,
    last: Arc<Snapshot>,
    taken: Instant,
}

impl Counting {
    /// Starts to count, for intervals of this length at most.
    async fn start(config: &Config, view: View, interval: Duration) -> Result<Self, AppError> {
        let mut config = config.clone();
        config.identity.labels = RowLabels { identity: LABELS.to_vec(), unit: false, extra: Vec::new() };
        // Each snapshot is new, has all counts by themselves, and those of whatever ended since the one before.
        config.poll.max_age = Duration::ZERO;
        (config.limits.series_per_family, config.limits.series_per_container) = (0, 0);
        config.retention.grace = config.retention.grace.max(2 * interval);
        let observation = observe::start(&config, probes(&config, view), None, None)?;
        if view == View::Calls
            && let Some(status) = observation.object.probes.iter().find(|status| status.name == syscall::PROBE.name)
            && status.state != ProbeState::Up
        {
            return Err(AppError::NoCalls(status.reason.clone()));
        }
        let last = observation.collector.fresh().await.ok_or(AppError::Unread)?;
        Ok(Self { observation, last, taken: Instant::now() })
    }

    /// The next snapshot and the seconds since the one before; nothing when the maps cannot be read.
    async fn next(&mut self) -> Option<(Arc<Snapshot>, f64)> {
        let before = self.taken;
        self.taken = Instant::now();
        let snapshot = self.observation.collector.fresh().await.filter(|new| !Arc::ptr_eq(new, &self.last));
        match &snapshot {
            Some(snapshot) => self.last = Arc::clone(snapshot),
            // The next interval has what this one had.
            None => self.taken = before,
        }
        Some((snapshot?, self.taken.duration_since(before).as_secs_f64()))
    }

    async fn finish(self) {
        // Nobody listens to single events.
        let _ = self.observation.finish().await;
    }
}

/// The probes of a view. Containers are always followed, so that none is missed.
fn probes(config: &Config, view: View) -> Vec<&'static str> {
    match view {
        View::Events => {
            let names = PROBES.iter().map(|probe| probe.name);
            names.filter(|name| *name != syscall::PROBE.name && config.probes.is_on(name)).collect()
        }
        View::Calls => vec![container::PROBE.name, syscall::PROBE.name],
    }
}
