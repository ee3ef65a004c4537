use std::{borrow::Cow, hint::black_box, sync::Arc, time::Instant};

use proptest::prelude::*;
use serde_json::{Map, Value as Json};

use super::{headline::Part, *};
use crate::{
    events::{
        event::{Details, Exec},
        fake,
        fields::{self, Value},
    },
    identity::{Identity, Scope},
};

const TEXT: Form = Form::Text { is_colored: false };

fn line(form: Form, event: &Event) -> String {
    let mut lines = String::new();
    form.write(event, &mut lines);
    let line = lines.strip_suffix('\n').expect("a line has an end");
    assert!(!line.contains('\n'), "{line:?}");
    line.to_owned()
}

fn with_identity(scope: Scope, change: impl FnOnce(&mut Identity)) -> Event {
    let mut event = fake::exec();
    let identity = Arc::make_mut(&mut event.identity);
    identity.scope = scope;
    change(identity);
    event
}

#[test]
fn text_is_for_people() {
    assert_eq!(
        line(TEXT, &fake::exec()),
        "22:13:20.123Z exec            web                     4211 sh              \
         /bin/sh [sh -c \"echo hi\"] cwd=/srv/web parent_pid=4200 parent_comm=containerd-shim"
    );
}

#[test]
fn an_event_tells_itself() {
    let event = fake::exec();
    assert_eq!((&*event.name(), event.to_string()), ("exec", line(TEXT, &event)));
    assert_eq!(event.to_json(), line(Form::Json, &event));
}

#[test]
fn text_says_whose_it_is() {
    let shown = |event| line(TEXT, &event).split_whitespace().nth(2).unwrap_or_default().to_owned();
    assert_eq!(shown(with_identity(Scope::Host, |_| {})), "host");
    assert_eq!(shown(with_identity(Scope::Other, |_| {})), "?");
    assert_eq!(shown(with_identity(Scope::Container, |identity| identity.container.clear())), "7de99b5f7430");
    let pod = |identity: &mut Identity| {
        (identity.namespace, identity.pod) = ("shop".to_owned(), "cart-0".to_owned());
    };
    assert_eq!(shown(with_identity(Scope::Container, pod)), "shop/cart-0/web");
}

#[test]
fn text_without_a_process_and_for_several_events() {
    let mut event = fake::exec();
    event.process = None;
    event.weight = 10;
    event.details = Details::Exec(Exec { path: "/bin/true".to_owned(), ..Exec::default() });
    assert_eq!(
        line(TEXT, &event),
        "22:13:20.123Z exec            web                        - -               /bin/true weight=10"
    );
    event.weight = 1;
    event.details = Details::Exec(Exec::default());
    assert_eq!(line(TEXT, &event), "22:13:20.123Z exec            web                        - -");
}

#[test]
fn text_has_the_same_words_in_colours() {
    let colored = line(Form::Text { is_colored: true }, &fake::exec());
    assert!(colored.starts_with("\x1b[2m22:13:20.123Z\x1b[0m \x1b[32mexec "), "{colored:?}");
    let mut plain = String::new();
    for part in colored.split('\x1b') {
        plain.push_str(part.strip_prefix('[').and_then(|part| part.split_once('m')).map_or(part, |(_, rest)| rest));
    }
    assert_eq!(plain, line(TEXT, &fake::exec()));
}

#[test]
fn every_part_of_a_line_has_its_form() {
    let field = |name| fields::all().find(|field| field.name == name).expect("there is such a field");
    let shown = |part, event: &Event| {
        let mut line = String::new();
        let _ = text::part(part, event, text::Paint { is_colored: false }, &mut line);
        line
    };
    let mut event = with_identity(Scope::Container, |identity| identity.unit = "fe80::1".to_owned());
    for (part, expected) in [
        (Part::Bare(field("container")), " web"),
        (Part::Bare(field("pod")), ""),
        (Part::Named(field("pid")), " pid=4211"),
        (Part::Named(field("pod")), ""),
        (Part::Named(field("tty")), ""),
        (Part::Endpoint(field("container"), field("cpu")), " web:3"),
        (Part::Endpoint(field("unit"), field("cpu")), " [fe80::1]:3"),
        (Part::Endpoint(field("pod"), field("cpu")), ""),
        (Part::Change(field("comm"), field("container")), " sh->web"),
        (Part::Change(field("pod"), field("container")), " ->web"),
    ] {
        assert_eq!(shown(part, &event), expected, "{part:?}");
    }
    if let Some(process) = &mut event.process {
        process.record.has_tty = 1;
    }
    assert_eq!(shown(Part::Named(field("tty")), &event), " tty");
}

#[test]
fn json_is_one_object() {
    assert_eq!(
        line(Form::Json, &fake::exec()),
        concat!(
            r#"{"event":"exec","time":"2023-11-14T22:13:20.123456789Z","#,
            r#""container.id":"7de99b5f74307de99b5f74307de99b5f74307de99b5f74307de99b5f74307de9","container.name":"web","#,
            r#""container.runtime.name":"docker","container.image.name":"shop/web:1.4","#,
            r#""doubleslit.cgroup.path":"/docker/7de99b5f7430","doubleslit.cgroup.id":4711,"doubleslit.cpu":3,"#,
            r#""doubleslit.weight":1,"process.pid":4211,"doubleslit.thread.id":4211,"process.vpid":7,"#,
            r#""process.parent_pid":4200,"doubleslit.process.parent.comm":"containerd-shim","#,
            r#""process.creation.time":"2023-11-14T22:13:19.000000000Z","process.session_leader.pid":0,"#,
            r#""process.group_leader.pid":0,"process.real_user.id":0,"process.real_user.name":"root","#,
            r#""process.user.id":0,"process.user.name":"root","process.saved_user.id":0,"#,
            r#""doubleslit.process.real_group.id":0,"doubleslit.process.group.id":0,"process.interactive":false,"#,
            r#""doubleslit.process.comm":"sh","#,
            r#""process.executable.path":"/bin/sh","process.executable.name":"sh","process.command":"sh","#,
            r#""process.command_args":["sh","-c","echo hi"],"process.args_count":3,"#,
            r#""doubleslit.process.command_args.truncated":false,"process.working_directory":"/srv/web","#,
            r#""doubleslit.process.working_directory.truncated":false,"doubleslit.namespace.net":4026531833}"#,
        )
    );
}

#[test]
fn logfmt_is_pairs() {
    assert_eq!(
        line(Form::Logfmt, &fake::exec()),
        concat!(
            r"time=2023-11-14T22:13:20.123456789Z event=exec ",
            r"container_id=7de99b5f74307de99b5f74307de99b5f74307de99b5f74307de99b5f74307de9 container=web runtime=docker ",
            r"image=shop/web:1.4 cgroup=/docker/7de99b5f7430 cgroup_id=4711 cpu=3 weight=1 ",
            r"pid=4211 tid=4211 vpid=7 parent_pid=4200 parent_comm=containerd-shim started=2023-11-14T22:13:19.000000000Z ",
            r"session=0 group=0 real_uid=0 real_user=root uid=0 user=root saved_uid=0 real_gid=0 gid=0 tty=false comm=sh ",
            r"path=/bin/sh executable=sh command=sh ",
            r#"args="[\"sh\",\"-c\",\"echo hi\"]" args_count=3 args_cut=false cwd=/srv/web "#,
            r"cwd_cut=false net_ns=4026531833",
        )
    );
}

#[test]
fn what_is_chosen_by_others_steers_nothing() {
    let mut event = fake::exec();
    let path = "/tmp/a\n22:13 b\r\t\x1b[2J\u{7f}\u{9b}1m\u{202e}\u{2028}\"\\ é\u{1f980}";
    event.details = Details::Exec(Exec { path: path.to_owned(), ..Exec::default() });
    if let Some(process) = &mut event.process {
        process.record.comm = fake::comm(b"a\xff\x1b]0;x\x07");
    }
    let quoted = r#""/tmp/a\n22:13 b\r\t\u001b[2J\u007f\u009b1m\u202e\u2028\"\\ é🦀""#;
    let text = line(TEXT, &event);
    assert!(text.contains(&format!(" {quoted} ")) && text.contains(r#" "a\\xff\u001b]0;x\u0007" "#), "{text}");
    assert!(line(Form::Logfmt, &event).contains(&format!(" path={quoted} ")));
    assert!(line(Form::Json, &event).contains(&format!(r#","process.executable.path":{quoted},"#)));
}

#[test]
fn every_value_has_its_form() {
    let texts = ["a", "", "]", "b=c", "d e"].map(str::to_owned);
    for (value, text, logfmt, json) in [
        (Value::Text("a=b".into()), r#""a=b""#, r#" x="a=b""#, r#""a=b""#),
        (Value::Text("a\\b".into()), r"a\b", r" x=a\b", r#""a\\b""#),
        (Value::Number(-1), "-1", " x=-1", "-1"),
        (Value::Number(i64::MIN.into()), "-9223372036854775808", " x=-9223372036854775808", "-9223372036854775808"),
        (Value::Number(u64::MAX.into()), "18446744073709551615", " x=18446744073709551615", "18446744073709551615"),
        (Value::Decimal(0.25), "0.250", " x=0.25", "0.25"),
        (Value::Decimal(f64::NAN), "NaN", " x=NaN", "null"),
        (Value::Flag(true), "true", " x=true", "true"),
        (
            Value::Texts(Cow::Borrowed(&texts)),
            r#"[a "" "]" b=c "d e"]"#,
            r#" x="[\"a\",\"\",\"]\",\"b=c\",\"d e\"]""#,
            r#"["a","","]","b=c","d e"]"#,
        ),
        (
            Value::Pairs(vec![
                ("fd", Value::Number(u64::MAX.into())),
                ("path", Value::Text("a b".into())),
                ("address", Value::Pairs(vec![("port", Value::Number(80)), ("is_local", Value::Flag(false))])),
            ]),
            r#"{fd=18446744073709551615 path="a b" address={port=80 is_local=false}}"#,
            r#" x.fd=18446744073709551615 x.path="a b" x.address.port=80 x.address.is_local=false"#,
            r#"{"fd":18446744073709551615,"path":"a b","address":{"port":80,"is_local":false}}"#,
        ),
        (Value::Pairs(Vec::new()), "{}", "", "{}"),
    ] {
        let shown = |write: fn(&Value<'_>, &mut String)| {
            let mut line = String::new();
            write(&value, &mut line);
            line
        };
        assert_eq!(shown(text::value), text);
        assert_eq!(shown(|value, line| logfmt::pair("x", value, line)), logfmt);
        assert_eq!(shown(json::value), json);
    }
}

/// What a value is for a program that reads JSON.
fn as_json(value: Value<'_>) -> Json {
    match value {
        Value::Text(text) => text.into(),
        Value::Number(number) => serde_json::Number::from_i128(number).map_or(Json::Null, Json::Number),
        Value::Decimal(number) => number.into(),
        Value::Flag(flag) => flag.into(),
        Value::Texts(texts) => texts.iter().map(String::as_str).collect(),
        Value::Pairs(pairs) => pairs.into_iter().map(|(name, value)| (name, as_json(value))).collect(),
    }
}

/// The pairs of a line of logfmt.
fn pairs(mut line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    while let Some((name, rest)) = line.split_once('=') {
        let value = if rest.starts_with('"') {
            let mut parsed = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let value = parsed.next().expect("there is a value").expect("it is a JSON string");
            line = &rest[parsed.byte_offset()..];
            value
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            line = &rest[end..];
            rest[..end].to_owned()
        };
        pairs.push((name.to_owned(), value));
        line = line.strip_prefix(' ').unwrap_or(line);
    }
    assert_eq!(line, "", "the line is pairs");
    pairs
}

prop_compose! {
    fn executions()(
        path in any::<String>(),
        arguments in proptest::option::of(proptest::collection::vec(any::<String>(), 0..4)),
        comm in any::<[u8; 16]>(),
        names in any::<[String; 4]>(),
        scope in prop_oneof![Just(Scope::Host), Just(Scope::Pod), Just(Scope::Container), Just(Scope::Other)],
    ) -> Event {
        let mut event = with_identity(scope, |identity| {
            [identity.container, identity.pod, identity.namespace, identity.image] = names;
        });
        if let Some(process) = &mut event.process {
            process.record.comm = comm;
        }
        event.details = Details::Exec(Exec { path, arguments, ..Exec::default() });
        event
    }
}

proptest! {
    #[test]
    fn a_line_is_one_line_without_control_characters(event in executions()) {
        for form in [TEXT, Form::Json, Form::Logfmt] {
            let line = line(form, &event);
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }

    #[test]
    fn json_reads_back(event in executions()) {
        let read: Map<String, Json> = serde_json::from_str(&line(Form::Json, &event)).expect("it is an object");
        let mut expected = Map::new();
        expected.insert("event".to_owned(), "exec".into());
        expected.insert("time".to_owned(), "2023-11-14T22:13:20.123456789Z".into());
        expected.extend(fields::of(&event).map(|(field, value)| (field.attribute.to_owned(), as_json(value))));
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn logfmt_reads_back(event in executions()) {
        let as_text = |value| match as_json(value) {
            Json::String(text) => text,
            other => other.to_string(),
        };
        let expected = [("time", "2023-11-14T22:13:20.123456789Z"), ("event", "exec")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter();
        let expected: Vec<_> =
            expected.chain(fields::of(&event).map(|(field, value)| (field.name.to_owned(), as_text(value)))).collect();
        // A list is written with more escapes than need be, which does not change it.
        let read = pairs(&line(Form::Logfmt, &event)).into_iter().map(|(name, value)| match &*name {
            "args" => (name, serde_json::from_str::<Json>(&value).expect("a list is JSON").to_string()),
            _ => (name, value),
        });
        prop_assert_eq!(read.collect::<Vec<_>>(), expected);
    }
}

#[test]
#[ignore = "measures; run with --release -- --ignored --nocapture"]
fn speed() {
    const EVENTS: u32 = 1 << 18;
    let event = fake::exec();
    for form in [TEXT, Form::Json, Form::Logfmt] {
        let mut lines = String::new();
        let begun = Instant::now();
        for _ in 0..EVENTS {
            lines.clear();
            form.write(black_box(&event), &mut lines);
            black_box(&lines);
        }
        println!("{form:?}: {:?} an event", begun.elapsed() / EVENTS);
    }
}
