//! Rules of filters and samples.

use doubleslit::filter::{Filter, FilterError, List, Sampling, WrittenRule, kernel::KernelFilter, kinds};

/// What must hold for every text: it is refused in one line, or it is a rule, which also comes back from its own text.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let refused = |error: FilterError| assert!(!error.to_string().contains('\n'), "{error}");
    let rule = match WrittenRule::parse(&text, "drop") {
        Ok(rule) => rule,
        Err(error) => return refused(error),
    };
    Sampling::default().add(&rule, "sample").err().into_iter().for_each(refused);
    let list = || List { name: "drop", rules: vec![rule.clone()] };
    match (Filter::default().and(list(), List::default()), Filter::default().and(List::default(), list())) {
        (Ok(select), Ok(drop)) => {
            assert!(KernelFilter::of(&select).rules().count() == 1 && KernelFilter::of(&drop).rules().count() <= 1);
            assert!(kinds("exec").is_ok_and(|kinds| kinds.iter().all(|kind| drop.concerns(*kind))));
        }
        (Err(select), Err(drop)) => {
            assert_eq!(select, drop);
            refused(drop);
        }
        (select, drop) => panic!("{select:?} {drop:?}"),
    }
}
