//! An OpenTelemetry collector that writes down what it is sent.

mod authority;
mod inbox;
mod place;
mod received;

use std::{
    net::{SocketAddr, TcpStream},
    process::Child,
};

pub use self::authority::{Authority, NAME};
pub use self::place::{Tls, binary};
pub use self::received::{Attributes, Kind, LogRecord, Point, Received, Scope};
use self::{inbox::Inbox, place::Place};
use crate::{stall, sys, wait};

/// A collector, running or killed. What it has acknowledged is never lost, whatever happens to it. It is killed when this
/// is dropped.
#[derive(Debug)]
pub struct Collector {
    child: Child,
    lives: u32,
    inbox: Inbox,
    place: Place,
}

impl Collector {
    /// Starts a collector and waits until it listens.
    #[must_use]
    pub fn start() -> Self {
        Self::first_life(None)
    }

    /// The same, with TLS.
    #[must_use]
    pub fn start_with_tls(tls: Tls) -> Self {
        Self::first_life(Some(tls))
    }

    fn first_life(tls: Option<Tls>) -> Self {
        let place = Place::new(tls);
        let inbox = Inbox::new(place.output(1));
        let mut collector = Self { child: place.launch(1), lives: 1, inbox, place };
        collector.await_listening();
        collector
    }

    /// Where it is sent OTLP by gRPC.
    #[must_use]
    pub fn grpc(&self) -> SocketAddr {
        self.place.grpc.address
    }

    /// Where it is sent OTLP by HTTP, at the paths `/v1/logs` and `/v1/metrics`.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.place.http.address
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// What it has printed so far, in all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        self.place.log()
    }

    /// All it has received so far, in all its lives.
    pub fn received(&mut self) -> &Received {
        self.inbox.read()
    }

    /// Waits until it has received what is enough.
    pub fn await_received(&mut self, what: &str, enough: impl Fn(&Received) -> bool) -> &Received {
        wait::until(what, || enough(self.received()).then_some(()));
        self.received()
    }

    /// Waits until it has received as many log records, and panics when there are more.
    pub fn await_logs(&mut self, count: usize) -> &[LogRecord] {
        let logs = &self.await_received(&format!("{count} log records"), |received| received.logs.len() >= count).logs;
        assert_eq!(logs.len(), count, "{logs:#?}");
        logs
    }

    /// Ends it at once, as a crash does. Nobody listens to its ports then.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is a child");
        self.child.wait().expect("it is a child");
    }

    /// Starts it again at the same ports and waits until it listens. Ends it before, if [`Self::kill`] has not.
    pub fn start_again(&mut self) {
        self.kill();
        self.lives += 1;
        self.child = self.place.launch(self.lives);
        self.inbox.follow(self.place.output(self.lives));
        self.await_listening();
    }

    /// Makes it do nothing: the kernel still accepts connections for it. Returns when it has stopped.
    pub fn stall(&self) {
        stall::stall(&self.child);
    }

    /// Lets it go on after [`Self::stall`].
    pub fn go_on(&self) {
        sys::send(self.pid(), libc::SIGCONT).expect("the collector runs");
    }

    fn await_listening(&mut self) {
        wait::until("the collector listens", || {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                panic!("the collector ended with {status}:\n{}", self.log());
            }
            [self.grpc(), self.http()].iter().all(|address| TcpStream::connect(address).is_ok()).then_some(())
        });
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
