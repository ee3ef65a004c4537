//! When a change of a setting applies: this is where that is decided.

/// When a change of a setting applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// When the configuration is read again.
    Live,
    /// When the exporter starts again; until then the whole configuration stays as it is.
    Restart,
}

use Applies::{Live, Restart};

/// Each setting, or a section for all in it. What is live is decided in userspace, or by words in maps that can be written at any
/// time; the rest decides what is opened, bound, loaded and attached at start.
const TABLE: &[(&str, Applies)] = &[
    ("web", Restart),
    ("api", Restart),
    ("log", Live),
    ("probes", Restart),
    ("syscalls", Restart),
    ("poll", Live),
    ("maps", Restart),
    ("retention", Live),
    ("identity.labels", Live),
    ("identity.extra_labels", Live),
    ("identity.unit", Live),
    ("identity.container_labels", Restart),
    ("identity.host_root", Restart),
    ("identity.docker_root", Restart),
    ("identity.sockets", Restart),
    ("limits", Live),
    ("ignore", Live),
    ("tracepoints", Restart),
    ("events.profile", Live),
    ("events.select", Live),
    ("events.drop", Live),
    ("events.sample", Live),
    ("events.ring_bytes", Restart),
    ("events.arguments", Restart),
    ("events.working_directory", Restart),
    ("events.syscalls", Restart),
    ("traces", Live),
    ("metrics", Restart),
    ("bpf", Restart),
    ("privileges", Restart),
    ("otlp", Restart),
];

impl Applies {
    /// When a change of the setting at this path applies; nothing where the table does not say, as of sections of several kinds.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        TABLE.iter().find(|(place, _)| is_within(path, place)).map(|(_, applies)| *applies)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Live => "live",
            Restart => "restart",
        }
    }
}

/// Whether a path is that of a place, or of something in it.
fn is_within(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Takes, settings};

    #[test]
    fn every_setting_has_exactly_one_and_every_place_is_a_setting() {
        let all = settings();
        for setting in all.iter().filter(|setting| setting.takes != Takes::Section) {
            let path = &setting.path;
            let places = TABLE.iter().filter(|(place, _)| is_within(path, place)).count();
            assert_eq!(places, 1, "config/applies.rs does not say when a change of `{path}` applies, or says it twice");
            assert_eq!(setting.applies, Applies::of(path), "{path}");
        }
        for (place, _) in TABLE {
            assert!(all.iter().any(|setting| setting.path == *place), "there is no setting `{place}`");
        }
    }

    #[test]
    fn names_that_begin_alike_are_not_in_each_other() {
        assert!(is_within("log", "log") && is_within("log.level", "log"));
        assert!(!is_within("logs", "log") && !is_within("log", "log.level"));
    }
}
