use std::time::SystemTime;

use doubleslit_common::{
    event::{Header, Process},
    kind::Kind,
    probes::tracepoint::{TEXT_BYTES, TEXTS},
};

use super::*;
use crate::{
    events::{
        decode::DecodeError,
        event::Event,
        fake,
        fields::{self, Value},
        render::Form,
        syscalls::Signatures,
        text::hex,
    },
    tracepoints::{format::Format, name::Name, traced::Traced},
};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/parsers/tracepoint_format/", $name))
    };
}

fn traced(category: &str, description: &str, raw: bool) -> Arc<Traced> {
    let format = Format::parse(description).expect("it is a description");
    Arc::new(Traced::new(Name { category: category.to_owned(), name: format.name.clone() }, format, true, raw))
}

/// What the kernel sends of a hit of the tracepoint with this number.
fn sent(tracepoint: u32, record: &[u8], texts: &[&[u8]]) -> Vec<u8> {
    let mut lengths = [0; TEXTS];
    lengths.iter_mut().zip(texts).for_each(|(length, text)| *length = text.len() as u32);
    let header = Header { kind: Kind::Tracepoint as u32, weight: 1, ..Header::default() };
    let process = Process { pid: 434, tid: 435, ..Process::default() };
    let fixed = Fixed { header, process, tracepoint, record_bytes: record.len() as u32, texts: lengths };
    [&bytes(fixed), record, &texts.concat()].concat()
}

/// The bytes of a fixed part.
#[expect(unsafe_code, reason = "the kernel does the same")]
fn bytes(fixed: Fixed) -> Vec<u8> {
    // SAFETY: the type has no padding, see `wire!`.
    unsafe { std::slice::from_raw_parts((&raw const fixed).cast::<u8>(), size_of::<Fixed>()) }.to_vec()
}

/// What is understood of it.
fn event(tracepoints: &[Arc<Traced>], sent: &[u8]) -> Event {
    let record =
        Decoder::new(SystemTime::UNIX_EPOCH, tracepoints, &Signatures::default()).decode(sent).expect("it is a record");
    assert_eq!(record.header.kind, Kind::Tracepoint as u32);
    Event { process: record.process, details: record.details, ..fake::exec() }
}

/// The fields that only these events have, as logfmt writes them.
fn told(event: &Event) -> String {
    let mut line = String::new();
    Form::Logfmt.write(event, &mut line);
    line.split_once("tracepoint=").map(|(_, rest)| rest.trim_end().to_owned()).expect("a hit")
}

/// The record of a fork, with the kernel's address in front.
fn fork(child: &[u8]) -> Vec<u8> {
    let words = [4 << 16 | 24, 435, (child.len() as u32) << 16 | 28, 436];
    let words = words.into_iter().flat_map(u32::to_ne_bytes);
    [0xff; 8].into_iter().chain(words).chain(*b"ash\0").chain(child.iter().copied()).collect()
}

/// The record of the beginning of an `openat`.
fn openat(filename: u64, flags: u64) -> Vec<u8> {
    let words = [u64::MAX, 257, (-100i64).cast_unsigned(), filename, flags, 0o644];
    words.into_iter().flat_map(u64::to_ne_bytes).collect()
}

#[test]
fn each_field_has_its_value() {
    let tracepoints = [
        traced("sched", recorded!("sched_process_fork"), false),
        traced("syscalls", recorded!("sys_enter_openat"), false),
    ];
    for (sent, expected) in [
        (
            sent(0, &fork(b"b\xff h\0"), &[]),
            "sched:sched_process_fork fields.parent_comm=ash fields.parent_pid=435 fields.child_comm=\"b\\\\xff h\" \
             fields.child_pid=436 common_fields.common_type=366 common_fields.common_pid=435",
        ),
        (
            sent(1, &openat(0x7fff_0000_1000, 0x8_0000), &[b"/etc/hosts\0"]),
            "syscalls:sys_enter_openat fields.__syscall_nr=257 fields.dfd=-100 fields.filename=/etc/hosts fields.flags=524288 \
             fields.mode=420 common_fields.common_type=782 common_fields.common_pid=435",
        ),
        // Nothing is mapped there.
        (
            sent(1, &openat(0x10, 0), &[]),
            "syscalls:sys_enter_openat fields.__syscall_nr=257 fields.dfd=-100 fields.filename=0x10 fields.flags=0 \
             fields.mode=420 fields_unread=\"[\\\"filename\\\"]\" common_fields.common_type=782 common_fields.common_pid=435",
        ),
        // No address is no failure to read there.
        (
            sent(1, &openat(0, 0), &[]),
            "syscalls:sys_enter_openat fields.__syscall_nr=257 fields.dfd=-100 fields.filename=0x0 fields.flags=0 \
             fields.mode=420 common_fields.common_type=782 common_fields.common_pid=435",
        ),
        // The record ends early.
        (
            sent(0, &fork(b"bash\0")[..30], &[]),
            "sched:sched_process_fork fields.parent_comm=ash fields.parent_pid=435 fields.child_pid=436 \
             fields_cut=\"[\\\"child_comm\\\"]\" common_fields.common_type=366 common_fields.common_pid=435",
        ),
    ] {
        assert_eq!(told(&event(&tracepoints, &sent)), expected);
    }
}

#[test]
fn a_text_that_fills_its_room_is_cut() {
    let tracepoints = [traced("syscalls", recorded!("sys_enter_openat"), false)];
    for (length, is_cut) in [(4096, false), (TEXT_BYTES - 1, false), (TEXT_BYTES, true)] {
        let text: Vec<_> = [vec![b'a'; length - 1], vec![0]].concat();
        let event = event(&tracepoints, &sent(0, &openat(0x1000, 0), &[&text]));
        let line = told(&event);
        assert!(line.contains(&format!("fields.filename={} ", "a".repeat(length - 1))), "{length}");
        assert_eq!(line.contains("fields_cut=\"[\\\"filename\\\"]\""), is_cut, "{length}");
    }
}

#[test]
fn every_shape_of_a_field() {
    let tracepoints = [traced("made", recorded!("by_hand"), true)];
    let mut record = vec![0; 192];
    let mut put = |offset: usize, bytes: &[u8]| record[offset..offset + bytes.len()].copy_from_slice(bytes);
    // Behind the fixed part: a text, then numbers.
    put(8, &(5 << 16 | (192u32 - 12)).to_ne_bytes());
    put(12, &(8 << 16 | (197u32 - 16)).to_ne_bytes());
    put(16, &0x1000u64.to_ne_bytes());
    put(36, &(-7i32).to_ne_bytes());
    put(40, &[1, 2, 3, 4, 5, 0xff]);
    put(46, b"init\0rest");
    record.extend(b"near\0\x01\0\0\0\x02\0\0\0");
    let event = event(&tracepoints, &sent(0, &record, &[b"/path\0"]));
    let Some(Value::Pairs(pairs)) =
        fields::of(&event).find_map(|(field, value)| (field.name == "fields").then_some(value))
    else {
        panic!("its fields are pairs");
    };
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|(name, value)| match value {
            Value::Text(text) => format!("{name}={text}"),
            Value::Number(number) => format!("{name}={number}"),
            other => panic!("{name}: {other:?}"),
        })
        .collect();
    assert_eq!(
        pairs,
        [
            "message=near".to_owned(),
            "numbers=0100000002000000".to_owned(),
            "path=/path".to_owned(),
            "file=0x0".to_owned(),
            "mask=".to_owned(),
            "old=-7".to_owned(),
            "table=0102030405ff".to_owned(),
            "comm=init".to_owned(),
            format!("address={}", "00".repeat(128)),
            "tail=near".to_owned(),
        ]
    );
    // The bytes of the record, with the number and the thread where the kernel has an address.
    let raw = told(&event).split_once(" raw=").map(|(_, raw)| raw.to_owned()).expect("it is wanted");
    let begin = [65535u16.to_ne_bytes().as_slice(), &[0, 0], &435u32.to_ne_bytes()].concat();
    assert_eq!(raw.len(), 2 * record.len());
    assert!(raw.starts_with(&hex(&begin)) && raw.ends_with(&hex(&record[8..])), "{raw}");
}

#[test]
fn what_is_no_hit() {
    let tracepoints = [traced("sched", recorded!("sched_process_fork"), false)];
    let signatures = Signatures::default();
    let decoder = Decoder::new(SystemTime::UNIX_EPOCH, &tracepoints, &signatures);
    let whole = sent(0, &fork(b"bash\0"), &[]);
    for cut in 0..whole.len() {
        assert!(matches!(decoder.decode(&whole[..cut]), Err(DecodeError::Cut { .. })), "{cut}");
    }
    assert!(decoder.decode(&whole).is_ok());
    assert!(
        matches!(decoder.decode(&sent(1, &fork(b"bash\0"), &[])), Err(DecodeError::Cut { .. })),
        "an unknown number"
    );
}
