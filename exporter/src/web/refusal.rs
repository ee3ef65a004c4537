//! Whom the web side turned away, and why: counted.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident $name:literal;)+) => {
        /// Why a request or a connection was turned away. An answer that has one of these as an extension is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $($(#[$doc])* $variant,)+
        }

        impl Refusal {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name as the value of a label.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

refusals! {
    /// Neither name nor password came along.
    NoPassword "no_password";
    /// They are not right.
    WrongPassword "wrong_password";
    /// Too many passwords are being compared.
    PasswordsBusy "passwords_busy";
    /// A page of another site asks.
    ForeignSite "foreign_site";
    /// More requests than `rate_limit` of the web configuration allows.
    RateLimit "rate_limit";
    /// A method that nothing here has.
    Method "method";
    /// A request that is none, or whose header is too long.
    Malformed "malformed";
    /// A body that is too long.
    BodySize "body_size";
    /// A body that did not come in time.
    BodyTime "body_time";
    /// A header that did not come in time.
    HeaderTime "header_time";
    /// A handshake that failed.
    Handshake "handshake";
    /// A handshake that took too long.
    HandshakeTime "handshake_time";
    /// An answer that nobody took.
    Stalled "stalled";
    /// A connection that made room for a newer one.
    Displaced "displaced";
    /// A connection for which there was no room.
    Connections "connections";
    /// A connection that was made before TLS was configured as it is now.
    Outdated "outdated";
    /// More scrapes at once than there may be.
    Scrapes "scrapes";
    /// More streams of events than there may be.
    Streams "streams";
}

/// What was turned away so far, and the connections that are open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// By reason.
    pub refused: Vec<(&'static str, u64)>,
    /// Connections by TCP that are open.
    pub connections: usize,
    /// Whether the web configuration is in use as it is now, if there is one.
    pub is_config_good: Option<bool>,
}

#[derive(Debug)]
pub(super) struct Counters(Vec<AtomicU64>);

impl Default for Counters {
    fn default() -> Self {
        Self(Refusal::ALL.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

impl Counters {
    pub(super) fn add(&self, refusal: Refusal) {
        self.0[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Vec<(&'static str, u64)> {
        let numbers = self.0.iter().map(|number| number.load(Ordering::Relaxed));
        Refusal::ALL.iter().map(|refusal| refusal.name()).zip(numbers).collect()
    }
}
