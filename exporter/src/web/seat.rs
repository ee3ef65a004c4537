//! What a connection is doing, since when, and what it is worth when there is no room for another one.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use super::Refusal;
use crate::config::WebLimits;

/// A connection, as far as it matters to others.
#[derive(Debug)]
pub(super) struct Seat {
    state: Mutex<State>,
    /// Told when it has to make room.
    pub(super) leave: Notify,
    pub(super) from: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Whether it has had an answer to a request that was let in.
    is_proven: bool,
    /// Since when nobody takes what is sent.
    stalled: Option<Instant>,
    /// Since when a request's body is on its way.
    body: Option<Instant>,
    /// Whether bytes of a further request have come already.
    is_ahead: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Idle,
    Header,
    Answering,
}

/// Why a connection may be given up for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// It has asked for nothing yet.
    Unproven,
    /// It asks for nothing now.
    Idle,
    /// It does not take its answer.
    Stalled,
}

impl Seat {
    pub(super) fn new(from: Option<IpAddr>, has_handshake: bool) -> Self {
        let phase = if has_handshake { Phase::Handshake } else { Phase::Idle };
        let state =
            State { phase, since: Instant::now(), is_proven: false, stalled: None, body: None, is_ahead: false };
        Self { state: Mutex::new(state), leave: Notify::new(), from }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handshake is over.
    pub(super) fn is_open(&self) {
        let mut state = self.state();
        (state.phase, state.since) = (Phase::Idle, Instant::now());
    }

    /// Something came.
    pub(super) fn has_read(&self) {
        let mut state = self.state();
        match state.phase {
            Phase::Idle => (state.phase, state.since) = (Phase::Header, Instant::now()),
            Phase::Answering => state.is_ahead = true,
            Phase::Handshake | Phase::Header => {}
        }
    }

    /// Something was taken by the other side, or nothing is.
    pub(super) fn has_written(&self, is_taken: bool) {
        let mut state = self.state();
        state.stalled = if is_taken { None } else { state.stalled.or_else(|| Some(Instant::now())) };
    }

    /// A request's header is there. Its body may follow.
    pub(super) fn is_asked(&self, has_body: bool) {
        let mut state = self.state();
        let now = Instant::now();
        (state.phase, state.since, state.is_ahead) = (Phase::Answering, now, false);
        state.body = has_body.then_some(now);
    }

    /// All of the request's body is there, or nobody wants more of it.
    pub(super) fn has_body(&self) {
        self.state().body = None;
    }

    /// The request was let in.
    pub(super) fn is_let_in(&self) {
        self.state().is_proven = true;
    }

    /// The answer is written.
    pub(super) fn is_answered(&self) {
        let mut state = self.state();
        let phase = if state.is_ahead { Phase::Header } else { Phase::Idle };
        (state.phase, state.since, state.body) = (phase, Instant::now(), None);
    }

    /// Until when it may go on like this, and what it is otherwise; no refusal where it was only left open for long.
    pub(super) fn deadline(&self, limits: &WebLimits) -> Option<(Instant, Option<Refusal>)> {
        let State { phase, since, is_proven, stalled, body, is_ahead: _ } = *self.state();
        let own = match phase {
            Phase::Handshake => Some((since + limits.handshake_time, Some(Refusal::HandshakeTime))),
            Phase::Idle if is_proven => Some((since + limits.idle_time, None)),
            Phase::Idle | Phase::Header => Some((since + limits.header_time, Some(Refusal::HeaderTime))),
            Phase::Answering => None,
        };
        let stalled = stalled.map(|since| (since + limits.stall_time, Some(Refusal::Stalled)));
        let body = body.map(|since| (since + limits.body_time, Some(Refusal::BodyTime)));
        [own, stalled, body].into_iter().flatten().min_by_key(|(when, _)| *when)
    }

    /// Since when it does what it does.
    pub(super) fn since(&self) -> Instant {
        self.state().since
    }

    /// What it is worth, and since when; nothing if it is of use.
    pub(super) fn worth(&self, now: Instant) -> Option<(Worth, Instant)> {
        /// A reader that takes nothing for a moment may be on its way.
        const MOMENT: std::time::Duration = std::time::Duration::from_secs(1);
        let State { phase, since, is_proven, stalled, .. } = *self.state();
        match phase {
            _ if !is_proven && phase != Phase::Answering => Some((Worth::Unproven, since)),
            Phase::Idle | Phase::Header | Phase::Handshake => Some((Worth::Idle, since)),
            Phase::Answering => stalled
                .filter(|since| now.saturating_duration_since(*since) > MOMENT)
                .map(|since| (Worth::Stalled, since)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: WebLimits = WebLimits {
        connections: 4,
        header_bytes: 8192,
        handshake_time: Duration::from_secs(100),
        header_time: Duration::from_secs(200),
        body_time: Duration::from_secs(300),
        idle_time: Duration::from_secs(400),
        stall_time: Duration::from_secs(500),
        page_streams: 1,
        api_streams: 1,
    };

    /// In how many seconds it is over, and why.
    fn left(seat: &Seat) -> Option<(u64, Option<Refusal>)> {
        let rounded = |until: Instant| (until - Instant::now()).as_secs_f64().round() as u64;
        seat.deadline(&LIMITS).map(|(until, why)| (rounded(until), why))
    }

    #[test]
    fn every_step_has_its_time() {
        let seat = Seat::new(None, true);
        assert_eq!(left(&seat), Some((100, Some(Refusal::HandshakeTime))));
        let begun = seat.deadline(&LIMITS);
        seat.has_read();
        assert_eq!(seat.deadline(&LIMITS), begun, "more bytes are no more time");
        seat.is_open();
        assert_eq!(left(&seat), Some((200, Some(Refusal::HeaderTime))));
        seat.has_read();
        let begun = seat.deadline(&LIMITS);
        seat.has_read();
        assert_eq!(seat.deadline(&LIMITS), begun, "more bytes are no more time");
        seat.is_asked(true);
        assert_eq!(left(&seat), Some((300, Some(Refusal::BodyTime))));
        seat.has_body();
        assert_eq!(left(&seat), None, "an answer takes as long as it takes");
        seat.has_written(false);
        let begun = seat.deadline(&LIMITS);
        seat.has_written(false);
        assert_eq!((left(&seat), seat.deadline(&LIMITS)), (Some((500, Some(Refusal::Stalled))), begun));
        seat.has_written(true);
        assert_eq!(left(&seat), None);
        seat.is_answered();
        assert_eq!(left(&seat), Some((200, Some(Refusal::HeaderTime))), "who was not let in has no right to stay");
        seat.is_asked(false);
        seat.is_let_in();
        seat.is_answered();
        assert_eq!(left(&seat), Some((400, None)));
        seat.is_asked(false);
        seat.has_read();
        seat.is_answered();
        assert_eq!(left(&seat), Some((200, Some(Refusal::HeaderTime))), "half a header came with the last request");
    }

    #[test]
    fn who_is_of_no_use_goes_first() {
        let (seat, begin) = (Seat::new(None, false), Instant::now());
        let worth = |after| seat.worth(begin + Duration::from_secs(after)).map(|(worth, _)| worth);
        assert_eq!(worth(0), Some(Worth::Unproven));
        seat.has_read();
        seat.is_asked(false);
        assert_eq!(worth(0), None);
        seat.is_let_in();
        seat.is_answered();
        assert_eq!(worth(0), Some(Worth::Idle));
        seat.is_asked(false);
        seat.has_written(false);
        assert_eq!((worth(0), worth(100)), (None, Some(Worth::Stalled)));
    }
}
