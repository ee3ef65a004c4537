//! Single events for a program that uses this library.

use std::{path::PathBuf, sync::Arc, vec};

use doubleslit_common::kind::Kind;
use tokio::runtime::Runtime;

use super::{
    AppError, Unseen,
    account::Books,
    observe::Observation,
    runtime,
    watch::{begin, unseen},
};
use crate::{
    config::{self, Config, Flags},
    events::{
        event::Event,
        hub::{Batch, Subscription},
    },
    filter::{FilterError, List, WrittenRule},
    prerequisites::{self, Check, Roots},
    tracepoints::{name::Selector, select::SelectError},
};

/// Chooses single events. Without further words it is all of them, as the configuration says.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    config_file: Option<PathBuf>,
    kinds: Vec<Kind>,
    tracepoints: Vec<String>,
    select: Vec<String>,
    drop: Vec<String>,
    sample: Vec<String>,
    arguments: bool,
    working_directory: bool,
}

/// Why nothing can be observed.
#[derive(Debug, thiserror::Error)]
pub enum ObserverError {
    /// The machine lacks something, or this process may not: most of it takes root.
    #[error("cannot observe this machine: {}", prerequisites::missing(.0).unwrap_or_default())]
    Lacking(Vec<Check>),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// A rule makes no sense.
    #[error(transparent)]
    Rule(#[from] FilterError),
    /// A tracepoint that is named is not there.
    #[error(transparent)]
    Tracepoint(#[from] SelectError),
    /// Only hits of tracepoints are asked for, and of none.
    #[error("no tracepoint is named: expected one such as `sched:sched_process_fork`")]
    NoTracepoint,
    /// Something that is needed cannot be had.
    #[error(transparent)]
    Failed(AppError),
}

impl From<AppError> for ObserverError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Traced(error) => Self::Tracepoint(error),
            error => Self::Failed(error),
        }
    }
}

impl Observer {
    /// All events. Settings come from variables `DOUBLESLIT_*`, as those of commands do.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes settings from a configuration file as well.
    #[must_use]
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_file = Some(path.into());
        self
    }

    /// Only events of these kinds, and what further calls and those of [`Self::tracepoint`] name.
    #[must_use]
    pub fn events(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.kinds.extend(kinds);
        self
    }

    /// Only hits of this tracepoint, such as `sched:sched_process_fork`, or of those that a pattern such as `block:*` stands
    /// for, and what further calls and those of [`Self::events`] name. [`Event::hit`] has the fields.
    #[must_use]
    pub fn tracepoint(mut self, name: impl Into<String>) -> Self {
        self.tracepoints.push(name.into());
        self
    }

    /// Only events that match this rule, such as `event=exec,comm=sh`, or one of further calls. `docs/filters.md` tells how
    /// rules are written.
    #[must_use]
    pub fn select(mut self, rule: impl Into<String>) -> Self {
        self.select.push(rule.into());
        self
    }

    /// No events that match this rule.
    #[must_use]
    pub fn drop(mut self, rule: impl Into<String>) -> Self {
        self.drop.push(rule.into());
        self
    }

    /// Only some of the events, such as `event=exec,one_in=10`.
    #[must_use]
    pub fn sample(mut self, rule: impl Into<String>) -> Self {
        self.sample.push(rule.into());
        self
    }

    /// Executions tell their arguments, which may hold secrets.
    #[must_use]
    pub fn arguments(mut self) -> Self {
        self.arguments = true;
        self
    }

    /// Executions tell their working directory.
    #[must_use]
    pub fn working_directory(mut self) -> Self {
        self.working_directory = true;
        self
    }

    /// Attaches what is needed and begins. What happens from now on comes.
    ///
    /// # Errors
    ///
    /// When this process may not, or the machine does not offer what it takes; when there is no such tracepoint; when a rule or a
    /// setting makes no sense.
    pub fn open(&self) -> Result<EventStream, ObserverError> {
        let mut config = config::from_environment(self.config_file.as_deref(), &Flags::default())?;
        self.narrow(&mut config)?;
        if config.lacks_tracepoints() {
            return Err(ObserverError::NoTracepoint);
        }
        let checks = prerequisites::all(&Roots::real(&config.identity.host_root, &config.identity.docker_root));
        if prerequisites::missing(&checks).is_some() {
            return Err(ObserverError::Lacking(checks));
        }
        let background = Background(Some(runtime()?));
        let begun = {
            let _context = background.0.as_ref().map(Runtime::enter);
            begin(&config, "observer")
        };
        let (observation, subscription) = begun?;
        Ok(EventStream { observation, subscription, events: Vec::new().into_iter(), missed: 0, background })
    }

    /// Puts what was chosen on top of what the configuration asks for.
    fn narrow(&self, config: &mut Config) -> Result<(), ObserverError> {
        let Self { config_file: _, kinds, tracepoints, select, drop, sample, arguments, working_directory } = self;
        let selectors = tracepoints.iter().map(|name| Selector::parse(name)).collect::<Result<Vec<_>, _>>();
        config.choose(kinds, &selectors.map_err(SelectError::from)?, None);
        let events = &mut config.events;
        let list = |name, rules: &[String]| {
            let rules = rules.iter().map(|rule| WrittenRule::parse(rule, name)).collect::<Result<_, _>>();
            rules.map(|rules| List { name, rules })
        };
        events.filter = std::mem::take(&mut events.filter).and(list("select", select)?, list("drop", drop)?)?;
        for rule in list("sample", sample)?.rules {
            events.sampling.add(&rule, "sample")?;
        }
        events.arguments.enabled |= arguments;
        events.working_directory |= working_directory;
        Ok(())
    }
}

/// Single events as they happen, each with whose it is. Dropping this detaches everything.
#[derive(Debug)]
pub struct EventStream {
    observation: Observation,
    subscription: Subscription,
    events: vec::IntoIter<Event>,
    missed: u64,
    /// Dropped last: whatever is above runs there.
    background: Background,
}

impl EventStream {
    /// The next event, on whatever executor. Nothing when there can be no more.
    pub async fn recv(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.next() {
                return Some(event);
            }
            let (batch, missed) = self.subscription.next().await?;
            self.missed += missed;
            let events =
                Arc::try_unwrap(batch).map_or_else(|shared| shared.events.clone(), |Batch { events, .. }| events);
            self.events = events.into_iter();
        }
    }

    /// How many events so far did not come because their reader was slow.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// All events so far that did not and will not come, by cause. Asks the kernel.
    #[must_use]
    pub fn unseen(&self) -> Unseen {
        let account = self.observation.books.as_ref().map(Books::account).unwrap_or_default();
        unseen(&account, self.missed)
    }
}

/// Waits for each event. Outside of asynchronous code, which has [`EventStream::recv`].
impl Iterator for EventStream {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let handle = self.background.0.as_ref()?.handle().clone();
        handle.block_on(self.recv())
    }
}

/// The threads in the background. They may be dropped in asynchronous code too.
#[derive(Debug)]
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_comes_on_top() {
        let defaults = config::load(None, [], &Flags::default()).expect("the defaults");
        let narrowed = |observer: Observer| {
            let mut config = defaults.clone();
            observer.narrow(&mut config).expect("what is chosen makes sense");
            config
        };
        assert_eq!(narrowed(Observer::new()).events, defaults.events);

        let observer = Observer::new()
            .events([Kind::Exec])
            .tracepoint("sched:sched_process_fork")
            .events([Kind::Exit])
            .tracepoint("block:*")
            .select("comm=sh")
            .drop("uid=0")
            .sample("one_in=2")
            .arguments()
            .working_directory();
        let config = narrowed(observer);
        let list = |name, rule| List { name, rules: vec![WrittenRule::parse(rule, name).expect("a rule")] };
        let defaults = defaults.events.clone();
        let mut sampling = defaults.sampling.clone();
        sampling.add(&WrittenRule::parse("one_in=2", "sample").expect("a rule"), "sample").expect("a sample");
        let expected = config::Events {
            kinds: vec![Kind::Exec, Kind::Exit, Kind::Tracepoint],
            filter: defaults.filter.clone().and(list("select", "comm=sh"), list("drop", "uid=0")).expect("rules"),
            sampling,
            arguments: config::Arguments { enabled: true, ..defaults.arguments.clone() },
            working_directory: true,
            ..defaults
        };
        assert_eq!(config.events, expected);
        assert!(config.tracepoints.iter().all(|wanted| wanted.events && !wanted.raw && wanted.by.is_empty()));
        let names: Vec<_> = config.tracepoints.iter().map(|wanted| wanted.selector.text()).collect();
        assert_eq!(names, ["sched:sched_process_fork", "block:*"]);
    }

    #[test]
    fn tracepoints_alone_are_all_that_comes() {
        let mut config = config::load(None, [], &Flags::default()).expect("the defaults");
        Observer::new().tracepoint("sched_process_exec").narrow(&mut config).expect("a name");
        assert_eq!(config.events.kinds, [Kind::Tracepoint]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_attached() {
        for (observer, expected) in [
            (Observer::new().select("x=1"), "no field `x` in rule `x=1` of `select`: expected a name such as"),
            (Observer::new().drop("exec"), "invalid rule `exec` in `drop`"),
            (Observer::new().sample("exec"), "invalid rule `exec` in `sample`"),
        ] {
            let error = observer.open().expect_err("refused");
            assert!(matches!(error, ObserverError::Rule(_)), "{error:?}");
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        for (observer, expected) in [
            (
                Observer::new().tracepoint("sched fork"),
                "`sched fork` names no tracepoint: expected a name such as `sched:sched_process_fork` or a pattern such as `block:*`",
            ),
            (
                Observer::new().events([Kind::Tracepoint]),
                "no tracepoint is named: expected one such as `sched:sched_process_fork`",
            ),
        ] {
            assert_eq!(observer.open().expect_err("refused").to_string(), expected);
        }
    }
}
