//! Traces that the configuration declares, when it declares others.

use super::*;

const EXEC: &str = r#"{"events": ["exec"]}"#;
const EXIT: &str = r#"{"events": ["exit"]}"#;

impl Bench {
    fn exchange(&mut self, gone: &[(&str, &str)], new: &[(&str, &str)]) -> Result<(usize, usize), CreateError> {
        let gone: Vec<_> = gone.iter().map(|(name, spec)| ((*name).to_owned(), read(spec))).collect();
        let planned = new.iter().map(|(name, spec)| {
            let spec = read(spec);
            ((*name).to_owned(), spec.clone(), Plan::of(&spec, &Forks).expect("a plan"))
        });
        let (ended, begun) = self.state.exchange(&gone, planned.collect(), self.now)?;
        begun.iter().for_each(|id| assert!(self.state.begin(*id, self.now)));
        Ok((ended.len(), begun.len()))
    }

    fn names(&self) -> Vec<String> {
        self.state.list(self.now).running.into_iter().map(|trace| trace.name).collect()
    }
}

#[test]
fn what_stays_does_not_notice() {
    let mut bench = Bench::new();
    for name in ["gone", "other", "stays"] {
        bench.run(name, EXEC);
    }
    let (stays, created) = (bench.subscribe("stays"), bench.get("stays").status.created);
    bench.execute(7, 1);
    let result = bench.exchange(&[("gone", EXEC), ("other", EXEC)], &[("other", EXIT), ("new", EXIT)]);
    assert_eq!(result, Ok((2, 2)));
    assert_eq!(bench.names(), ["new", "other", "stays"]);
    bench.execute(7, 2);
    assert_eq!((bench.get("stays").status.created, bench.get("stays").status.events), (created, 3));
    bench.delete("stays");
    assert_eq!(super::lives::drain(stays).0.len(), 3, "its reader has all of them");
}

#[test]
fn all_or_nothing() {
    let mut bench = Bench::new();
    bench.run("mine", EXEC);
    bench.run("declared", EXEC);
    // A trace of that name is somebody's who asked the API.
    let refusal = bench.exchange(&[("declared", EXEC)], &[("new", EXIT), ("mine", EXIT)]);
    assert_eq!(refusal, Err(CreateError::Duplicate("mine".to_owned())));
    assert_eq!(bench.names(), ["declared", "mine"]);
    let names: Vec<_> = (0..255).map(|number| format!("t{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), EXIT)).collect();
    assert_eq!(bench.exchange(&[], &many), Err(CreateError::TooMany(256)));
    assert_eq!(bench.names(), ["declared", "mine"]);
    // What goes makes room.
    assert_eq!(bench.exchange(&[("declared", EXEC)], &many), Ok((1, 255)));
}

#[test]
fn what_somebody_put_in_its_place_stays() {
    let mut bench = Bench::new();
    bench.run("declared", EXEC);
    bench.delete("declared");
    bench.run("declared", EXIT);
    assert_eq!(bench.exchange(&[("declared", EXEC), ("deleted", EXEC)], &[]), Ok((0, 0)));
    assert_eq!(bench.names(), ["declared"]);
}

#[test]
fn nothing_comes_of_who_is_ignored_from_now_on() {
    use crate::identity::ignore::{Field, Pattern, Rule};
    let mut bench = Bench::new();
    bench.start(7, "web", &[]);
    bench.start(8, "db", &[]);
    bench.run("all", r#"{"containers": ["*"], "events": ["exec"]}"#);
    assert_eq!(bench.kernel.on().len(), 2);
    let rule = Rule(vec![(Field::Container, Pattern::new("web").expect("a pattern"))]);
    bench.state.ignore(Ignore(vec![rule]));
    // All are told of again.
    bench.start(7, "web", &[]);
    bench.start(8, "db", &[]);
    assert_eq!(bench.kernel.on(), BTreeSet::from([(Some(8), Kind::Exec)]));
    bench.state.ignore(Ignore::default());
    bench.start(7, "web", &[]);
    assert_eq!(bench.kernel.on().len(), 2);
}
