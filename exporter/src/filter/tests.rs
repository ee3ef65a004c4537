use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use doubleslit_common::{
    event::{Gate, Process as ProcessRecord},
    filter::{self, Facts},
    probes::{
        signal::SignalResult,
        socket_state::{Protocol, Transition},
        tcp::{Family, Socket as SocketRecord},
    },
};
use proptest::prelude::*;

use super::{kernel::KernelFilter, *};
use crate::{
    events::{
        event::{Details, Exec, Process, Signal, SignalDeliver, SignalGenerate, Socket, SocketState},
        hit::Hit,
    },
    identity::{CgroupId, Identity, registry::Known},
    tracepoints::{format::Format, name::Name, traced::Traced},
};

fn rules<'a>(name: &'a str, rules: &[&str]) -> List<'a> {
    List { name, rules: rules.iter().map(|rule| WrittenRule::parse(rule, name).expect("a rule")).collect() }
}

fn filter(select: &[&str], drop: &[&str]) -> Filter {
    Filter::default().and(rules("select", select), rules("drop", drop)).expect("valid")
}

fn refusal(rule: &str) -> String {
    let written = WrittenRule::parse(rule, "drop");
    let filter =
        written.and_then(|rule| Filter::default().and(List::default(), List { name: "drop", rules: vec![rule] }));
    filter.expect_err(rule).to_string()
}

/// An execution by a user in a container.
fn exec(uid: u32, container: &str) -> Event {
    let labels = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
    let identity = Identity { container: container.to_owned(), container_labels: labels, ..Identity::default() };
    let record = ProcessRecord { uid, comm: *b"sh\0\0\0\0\0\0\0\0\0\0\0\0\0\0", ..ProcessRecord::default() };
    Event {
        time: SystemTime::UNIX_EPOCH,
        cgroup: CgroupId(7),
        cgroup_path: "/docker/x".into(),
        identity: Arc::new(identity),
        users: None,
        weight: 1,
        listeners: 1,
        cpu: 0,
        process: Some(Process { record, started: SystemTime::UNIX_EPOCH }),
        details: Details::Exec(Exec { path: "/bin/sh".to_owned(), ..Exec::default() }),
    }
}

/// A hit of a tracepoint with the common fields and two of its own.
fn hit(child: &str, pid: i32) -> Event {
    let described = "name: fork\nID: 7\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
                     \tfield:char child_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n\
                     \tfield:pid_t child_pid;\toffset:24;\tsize:4;\tsigned:1;\n";
    let format = Format::parse(described).expect("it is a description");
    let name = Name { category: "sched".to_owned(), name: format.name.clone() };
    let mut record = [0; 8].into_iter().chain(child.bytes()).collect::<Vec<_>>();
    record.resize(24, 0);
    record.extend(pid.to_ne_bytes());
    let hit = Hit::new(Arc::new(Traced::new(name, format, true, false)), 1, record, Vec::new());
    Event { details: Details::Tracepoint(hit), ..exec(1, "web") }
}

#[test]
fn hits_are_chosen_by_their_own_fields() {
    let events = [hit("sh", 12), hit("12", 13), exec(1, "web")];
    for (rule, expected) in [
        ("event=tracepoint", [true, true, false]),
        ("tracepoint=sched:*", [true, true, false]),
        ("fields.child_comm=sh", [true, false, false]),
        ("fields.child_pid=>12", [false, true, false]),
        ("fields.child_pid=!12", [false, true, false]),
        // One of them is enough.
        ("fields=12", [true, true, false]),
        ("fields.nothing=", [true, true, false]),
        ("common_fields.common_type=7", [true, true, false]),
        ("fields_cut=!", [false, false, false]),
    ] {
        let filter = filter(&[rule], &[]);
        assert_eq!(events.each_ref().map(|event| filter.passes(event)), expected, "{rule}");
    }
    assert!(refusal("path.a=b").starts_with("no field `path.a`"), "a text has no parts");
}

/// A signal that was delivered, by user 1.
fn signal(number: u32) -> Event {
    let signal = Signal { number, code: 0, errno: 0 };
    let delivered = SignalDeliver { signal, handler: 0x1000, flags: 0x1400_0000 };
    Event { details: Details::SignalDeliver(delivered), ..exec(1, "web") }
}

/// A signal that was generated.
fn generated(number: u32) -> Event {
    let signal = Signal { number, code: 0, errno: 0 };
    let result = Some(SignalResult::Delivered);
    let generated = SignalGenerate { signal, result, is_group: true, sender: None };
    Event { details: Details::SignalGenerate(generated), ..exec(1, "web") }
}

/// A socket of no process that changes its state.
fn socket(transition: Transition, local_port: u16, peer_port: u16) -> Event {
    let record = SocketRecord {
        family: if transition.family == Family::Ipv4 { 2 } else { 10 },
        protocol: if transition.protocol == Protocol::Tcp { 6 } else { 132 },
        local_port,
        peer_port,
        ..SocketRecord::default()
    };
    let [local, peer] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse().ok());
    let Transition { old, new, .. } = transition;
    let changed = SocketState { socket: Socket { record, local, peer }, old, new };
    Event { process: None, details: Details::SocketState(changed), ..exec(0, "web") }
}

/// Those of the users 0 to 9 whose executions pass.
fn users(filter: &Filter) -> Vec<u32> {
    (0..10).filter(|uid| filter.passes(&exec(*uid, "web"))).collect()
}

#[test]
fn lists_select_then_drop() {
    for (select, drop, expected) in [
        (&[][..], &[][..], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9][..]),
        (&["uid=7"], &[], &[7]),
        (&["uid=7", "uid=2", "uid=<1"], &[], &[0, 2, 7]),
        (&[], &["uid=7"], &[0, 1, 2, 3, 4, 5, 6, 8, 9]),
        (&["uid=7"], &["uid=7"], &[]),
        (&["uid=5..8"], &["uid=7"], &[5, 6, 8]),
    ] {
        assert_eq!(users(&filter(select, drop)), expected, "{select:?} {drop:?}");
    }
}

#[test]
fn all_fields_of_a_rule_must_match() {
    assert_eq!(users(&filter(&["uid=7,comm=sh"], &[])), [7]);
    assert_eq!(users(&filter(&["uid=7,comm=bash"], &[])), [0; 0]);
    assert_eq!(users(&filter(&["container_label.team=blue,uid=1,uid=2"], &[])), [1, 2]);
    assert_eq!(users(&filter(&["pod_label.team=,event=exec,uid=3"], &[])), [3]);
    let several =
        ["comm=sh,uid=1", "uid=2,comm=~^s", "event=exit", "comm=bash", "uid=4", "container=web,container_id=x"];
    assert_eq!(users(&filter(&several, &[])), [1, 2, 4]);
}

#[test]
fn every_layer_must_pass() {
    let both = filter(&["uid=1..5"], &["uid=2"]).and(rules("select", &["uid=>=2"]), rules("drop", &["uid=4"]));
    assert_eq!(users(&both.expect("valid")), [3, 5]);
}

#[test]
fn kinds_have_names_and_groups() {
    assert_eq!(kinds("exec"), Ok(vec![Kind::Exec]));
    assert!(kinds("").is_err_and(|refusal| refusal.starts_with("expected one of `exec`")));
    assert_eq!(kinds("signal"), Ok(vec![Kind::SignalGenerate, Kind::SignalDeliver]));
    assert_eq!(kinds("socket"), Ok(vec![Kind::SocketState]));
    let both = filter(&["event=exec", "event=signal,event=!signal_deliver"], &["uid=0"]);
    let concerned: Vec<_> = KINDS.iter().copied().filter(|kind| both.concerns(*kind)).collect();
    assert_eq!(concerned, [Kind::Exec, Kind::SignalGenerate]);
    assert_eq!(users(&filter(&["event=!exec"], &[])), [0; 0]);
}

#[test]
fn rules_are_refused() {
    for (rule, expected) in [
        ("comm", "invalid rule `comm` in `drop`: expected fields and values such as `event=exec,comm=nginx*`"),
        ("comand=a", "no field `comand` in rule `comand=a` of `drop`: expected a name such as `command`, `comm`,"),
        ("event=exex", "invalid value `exex` for `event` in rule `event=exex` of `drop`: expected one of"),
        (
            "tty=1,comm=a\nb",
            "invalid value `1` for `tty` in rule `comm=a b,tty=1` of `drop`: expected `true` or `false`",
        ),
        (
            "container_label.=a",
            "no field `container_label.` in rule `container_label.=a` of `drop`: expected a name such as",
        ),
    ] {
        let refused = refusal(rule);
        assert!(refused.starts_with(expected), "{refused}");
    }
}

#[test]
fn every_profile_makes_sense() {
    for profile in &PROFILES {
        assert!(profile.filter().is_ok(), "{}", profile.name);
    }
    let kinds = |name| Profile::named(name).expect("a profile").kinds();
    let named = KINDS.iter().copied().filter(|kind| *kind != Kind::Syscall);
    assert_eq!(kinds("default"), named.collect::<Vec<_>>());
    assert_eq!(kinds("signals-only"), [Kind::SignalGenerate, Kind::SignalDeliver]);
    assert_eq!(kinds("network"), [Kind::SocketState, Kind::TcpRetransmit, Kind::TcpResetReceive]);
    let security = Profile::named("security").and_then(|profile| profile.filter().ok()).expect("a profile");
    assert!(security.passes(&exec(0, "web")) && security.passes(&generated(9)) && !security.passes(&generated(15)));
}

/// What the kernel knows of an event.
fn facts(event: &Event) -> Facts {
    let uid = event.process.as_ref().map(|process| process.record.uid);
    match &event.details {
        Details::SignalDeliver(delivered) => Facts { uid, signal: Some(delivered.signal.number), socket: None },
        Details::SocketState(SocketState { socket: Socket { record, .. }, old, new }) => {
            let (family, protocol) = (Family::of(record.family.into()), Protocol::of(record.protocol.into()));
            let transition = Transition { family, protocol, old: *old, new: *new };
            let (local_port, peer_port) = (record.local_port, record.peer_port);
            Facts { uid, signal: None, socket: Some(filter::Socket { transition, local_port, peer_port }) }
        }
        _ => Facts { uid, ..Facts::NONE },
    }
}

/// What the kernel decides about an execution, with and without knowing its owner.
fn kernel(filter: &Filter, event: &Event) -> [bool; 2] {
    let kernel = KernelFilter::of(filter);
    let rules: Vec<_> = kernel.rules().collect();
    let gate = kernel.gate(event.kind(), Gate::open(1));
    let known = Known {
        path: event.cgroup_path.clone(),
        identity: event.identity.clone(),
        is_settled: true,
        is_removed: false,
        users: None,
    };
    let facts = facts(event);
    [Some(kernel.verdict(event.cgroup, &known)), None].map(|owner| gate.decide(&rules, owner, &facts))
}

#[test]
fn the_kernel_tests_users_and_owners() {
    for (select, drop, expected) in [
        (&["uid=7"][..], &[][..], [false, false]),
        (&["uid=0,comm=bash"], &[], [true, true]),
        (&["container=web"], &[], [true, true]),
        (&["container=db"], &[], [false, true]),
        (&["container=db", "container=web"], &[], [true, true]),
        (&["container=db", "comm=x"], &[], [true, true]),
        (&["container_label.team=red"], &[], [false, true]),
        (&[], &["uid=0"], [false, false]),
        (&[], &["uid=0,comm=sh"], [true, true]),
        (&[], &["container=web,uid=<10"], [false, true]),
        (&["container=web"], &["uid=1,uid=0"], [true, true]),
    ] {
        assert_eq!(kernel(&filter(select, drop), &exec(0, "web")), expected, "{select:?} {drop:?}");
    }
}

#[test]
fn the_kernel_tests_signals_and_sockets() {
    let change = |old, new| Transition { family: Family::Ipv4, protocol: Protocol::Tcp, old, new };
    let (connects, listens) = (socket(change(2, 1), 40000, 443), socket(change(7, 10), 80, 0));
    for (event, select, drop, expected) in [
        (&signal(9), "signal=KILL,uid=1", "signal=15", true),
        (&signal(9), "signal=!SIGKILL", "signal=15", false),
        (&signal(9), "event=signal", "signal=SIGK*", false),
        (&signal(9), "flags=SA_RESTART", "signal=9,flags=SA_NODEFER", true),
        (&connects, "peer_port=443,new_state=established", "old_state=listen", true),
        (&connects, "peer_port=80,peer_port=8080", "old_state=listen", true),
        (&connects, "peer_port=<443", "old_state=listen", false),
        (&connects, "event=socket", "protocol=tcp,family=ipv4,local_port=>=1024", false),
        (&connects, "event=socket", "protocol=tcp,family=ipv6", true),
        (&connects, "event=socket", "uid=!0", true),
        (&listens, "peer_port=!0", "uid=0", true),
        (&listens, "peer_port=", "peer_port=0..80", true),
        (&listens, "peer_port=!", "old_state=listen", false),
    ] {
        assert_eq!(kernel(&filter(&[select], &[drop]), event)[0], expected, "{select} {drop}");
    }
}

#[test]
fn flags_have_names_and_bits() {
    for (rule, expected) in [
        ("flags=SA_RESTART", true),
        ("flags=!SA_RESTART", false),
        ("flags_number=&0x14000000", true),
        ("flags_number=&0x5", false),
    ] {
        assert_eq!(filter(&[rule], &[]).passes(&signal(15)), expected, "{rule}");
    }
    assert!(refusal("flags=SA_RESTARTS").contains("`SA_RESTART`"));
}

/// A condition on something that the kernel may test.
fn condition() -> impl Strategy<Value = String> {
    let number = || prop_oneof!["[0-3]", "[0-3]\\.\\.[3-5]", ">=[0-3]", "![0-3]", "!<[0-3]", "&[0-3]", "", "!"];
    let of = |field: &'static str| move |value: String| format!("{field}={value}");
    prop_oneof![
        number().prop_map(of("uid")),
        number().prop_map(of("local_port")),
        number().prop_map(of("peer_port")),
        prop_oneof!["web", "db", "!web", "w\\*", "!d\\?", ""].prop_map(of("container")),
        prop_oneof!["sh", "!sh", "bash"].prop_map(of("comm")),
        prop_oneof!["exec", "!exec", "signal", "!socket"].prop_map(of("event")),
        prop_oneof!["KILL", "!KILL", "1[0-9]", "SIGRT\\*", ""].prop_map(of("signal")),
        prop_oneof!["ipv4", "!ipv4"].prop_map(of("family")),
        prop_oneof!["tcp", "!tcp", "s\\*"].prop_map(of("protocol")),
        prop_oneof!["syn_\\*", "closed", "!established", ""].prop_map(of("old_state")),
        prop_oneof!["syn_\\*", "closed", "!established", "!"].prop_map(of("new_state")),
    ]
}

fn written() -> impl Strategy<Value = Vec<WrittenRule>> {
    let rule = proptest::collection::vec(condition(), 1..4).prop_map(|rule| rule.join(","));
    let parsed = rule.prop_filter_map("a rule that can match", |rule| {
        let rule = WrittenRule::parse(&rule, "list").ok()?;
        rule::Rule::compile(&rule, "list").is_ok().then_some(rule)
    });
    proptest::collection::vec(parsed, 0..9)
}

fn event() -> impl Strategy<Value = Event> {
    let family = prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)];
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Sctp)];
    prop_oneof![
        (0_u32..5, prop_oneof![Just("web"), Just("db"), Just("")]).prop_map(|(uid, container)| exec(uid, container)),
        (1_u32..=64).prop_map(signal),
        (family, protocol, 1_u32..14, 1_u32..14, 0_u16..5, 0_u16..5).prop_map(
            |(family, protocol, old, new, local, peer)| {
                socket(Transition { family, protocol, old, new }, local, peer)
            }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_kernel_never_keeps_out_what_is_wanted(
        layers in proptest::collection::vec((written(), written()), 0..6),
        event in event(),
    ) {
        let list = |rules| List { name: "list", rules };
        let filter = layers.into_iter().try_fold(Filter::default(), |filter, (select, drop)| {
            filter.and(list(select), list(drop))
        });
        let filter = filter.expect("valid");
        let [known, unknown] = kernel(&filter, &event);
        prop_assert!(known || !filter.passes(&event));
        prop_assert!(unknown || !known, "who knows the owner only keeps out more");
    }

    #[test]
    fn the_kernel_decides_alone_where_it_can(
        select in proptest::collection::vec("uid=([0-3]|[0-3]\\.\\.[3-5]|!0)", 0..4),
        drop in proptest::collection::vec("(uid=[0-3],)?container=(web|!web|d\\*)", 0..4),
        uid in 0_u32..5,
    ) {
        let text = |rules: &[String]| rules.iter().map(|rule| WrittenRule::parse(rule, "list").expect("a rule")).collect();
        let list = |rules: &[String]| List { name: "list", rules: text(rules) };
        let filter = Filter::default().and(list(&select), list(&drop)).expect("valid");
        let event = exec(uid, "web");
        prop_assert_eq!(kernel(&filter, &event)[0], filter.passes(&event));
    }
}
