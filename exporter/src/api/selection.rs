//! What a path of events asks for: `/{namespace}/{pod}/{container}/{event}`, of which the last parts may be left out. The last
//! one is a kind of events, a system call, or a tracepoint.

use crate::{
    filter::{self, WrittenRule},
    identity::ignore::Pattern,
    traces::{self, Spec},
};

/// The part for any value, and for none: the host has no container, and what docker starts has no namespace and no pod.
const ANY: &str = "*";
/// What is in front of a system call that is called as a kind of events is, or that is a pattern.
const CALL: &str = "syscall:";
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
            "event" => happens(value, &mut spec),
            "container" if is_plain && Pattern::new(&value).is_some() => spec.containers.push(value),
            "namespace" if is_plain && !value.contains(['*', '?', '\\']) => spec.namespace = value,
            _ => drop(rule.0.insert(field, vec![if value == NONE { String::new() } else { value }])),
        }
    }
    if !rule.0.is_empty() {
        spec.select.push(rule);
    }
    if spec.events.is_empty() && spec.syscalls.is_empty() && spec.tracepoints.is_empty() {
        spec.events.extend(traces::kinds().map(|kind| kind.name().to_owned()));
    }
    spec
}

/// Adds what the last part names. What nothing is called by is taken for a kind of events, whose refusal tells what there is.
fn happens(value: String, spec: &mut Spec) {
    if let Some(call) = value.strip_prefix(CALL) {
        spec.syscalls.push(call.to_owned());
    } else if value.contains(':') {
        spec.tracepoints.push(value);
    } else if filter::kinds(&value).is_err() && filter::calls(std::slice::from_ref(&value)).is_ok() {
        spec.syscalls.push(value);
    } else {
        spec.events.push(value);
    }
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
            ("*/*/web/openat", json!({"containers": ["web"], "syscalls": ["openat"]})),
            ("*/*/web/exit", json!({"containers": ["web"], "events": ["exit"]})),
            ("*/*/web/syscall:exit", json!({"containers": ["web"], "syscalls": ["exit"]})),
            ("*/*/*/syscall:open*", json!({"syscalls": ["open*"]})),
            ("*/*/web/sched:*", json!({"containers": ["web"], "tracepoints": ["sched:*"]})),
            ("*/*/web/no_such", json!({"containers": ["web"], "events": ["no_such"]})),
            ("*/*/w?b", json!({"select": ["container=w?b"]})),
            ("-/-/web", json!({"containers": ["web"], "select": ["namespace=,pod="]})),
            ("*/*/-/exec", json!({"select": ["container="], "events": ["exec"]})),
            ("!shop/*/~^(a|b)$", json!({"select": ["container=~^(a|b)$,namespace=!shop"]})),
        ] {
            let names = ["namespace", "pod", "container", "event"];
            let parts = names.into_iter().zip(path.split('/')).map(|(name, value)| (name.to_owned(), value.to_owned()));
            let mut expected = Spec::read(&expected).expect("a spec");
            if [&expected.events, &expected.syscalls, &expected.tracepoints].iter().all(|list| list.is_empty()) {
                expected.events.clone_from(&all);
            }
            assert_eq!(spec(parts.collect()), expected, "{path}");
        }
    }
}
