//! What a path of events asks for: `/{namespace}/{pod}/{container}/{event}`, of which the last parts may be left out.

use crate::{
    filter::WrittenRule,
    identity::ignore::Pattern,
    traces::{self, Spec},
};

/// The part for any value, and for none: the host has no container, and what docker starts has no namespace and no pod.
const ANY: &str = "*";
/// The part for no value at all.
const NONE: &str = "-";

/// The trace that the parts of a path ask for, each with the name of the field that it is about. What says that only certain
/// containers are meant keeps the others' events in the kernel; the rest is a rule for events.
pub(super) fn spec(parts: Vec<(String, String)>) -> Spec {
    let mut spec = Spec::default();
    let mut rule = WrittenRule::default();
    for (field, value) in parts.into_iter().filter(|(_, value)| value != ANY) {
        // What a rule reads in another way than a selector does is left to the rule.
        let is_plain = value != NONE && !value.starts_with(['!', '~']);
        match field.as_str() {
            "event" => spec.events.push(value),
            "container" if is_plain && Pattern::new(&value).is_some() => spec.containers.push(value),
            "namespace" if is_plain && !value.contains(['*', '?', '\\']) => spec.namespace = value,
            _ => drop(rule.0.insert(field, vec![if value == NONE { String::new() } else { value }])),
        }
    }
    if !rule.0.is_empty() {
        spec.select.push(rule);
    }
    if spec.events.is_empty() {
        spec.events.extend(traces::kinds().map(|kind| kind.name().to_owned()));
    }
    spec
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_ask_for_what_they_say() {
        let all = spec(Vec::new()).events;
        assert!(all.len() > 5 && all.contains(&"exec".to_owned()) && !all.contains(&"container_start".to_owned()));
        for (path, expected) in [
            ("*", json!({})),
            ("shop", json!({"namespace": "shop"})),
            ("sho*", json!({"select": ["namespace=sho*"]})),
            ("shop/cart-0", json!({"namespace": "shop", "select": ["pod=cart-0"]})),
            ("shop/*/web-*", json!({"namespace": "shop", "containers": ["web-*"]})),
            ("*/*/web/signal", json!({"containers": ["web"], "events": ["signal"]})),
            ("*/*/w?b", json!({"select": ["container=w?b"]})),
            ("-/-/web", json!({"containers": ["web"], "select": ["namespace=,pod="]})),
            ("*/*/-/exec", json!({"select": ["container="], "events": ["exec"]})),
            ("!shop/*/~^(a|b)$", json!({"select": ["container=~^(a|b)$,namespace=!shop"]})),
        ] {
            let names = ["namespace", "pod", "container", "event"];
            let parts = names.into_iter().zip(path.split('/')).map(|(name, value)| (name.to_owned(), value.to_owned()));
            let mut expected = Spec::read(&expected).expect("a spec");
            if expected.events.is_empty() {
                expected.events.clone_from(&all);
            }
            assert_eq!(spec(parts.collect()), expected, "{path}");
        }
    }
}
