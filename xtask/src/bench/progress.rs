//! What is measured just now.

use std::fmt::Display;

use doubleslit_testbed::watchdog;

/// Says what begins.
pub(super) fn tell(what: impl Display) {
    watchdog::feed();
    eprintln!("{what}");
}
