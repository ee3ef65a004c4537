//! Records of single events, and the lines that are made of them.

use std::{sync::Arc, time::SystemTime};

use doubleslit::{
    events::{
        decode::{Decoder, Record},
        event::Event,
        render::Form,
        syscalls::Signatures,
    },
    identity::CgroupId,
    tracepoints::{field::Field, format::Format, name::Name, traced::Traced},
};

/// Tracepoints whose hits come: the first has fields of all shapes, the second addresses of texts.
fn tracepoints() -> [Arc<Traced>; 2] {
    let described = [
        ("made", include_str!("../fixtures/parsers/tracepoint_format/by_hand")),
        ("syscalls", include_str!("../fixtures/parsers/tracepoint_format/sys_enter_openat")),
    ];
    described.map(|(category, description)| {
        let format = Format::parse(description).expect("it is a description");
        let name = Name { category: category.to_owned(), name: format.name.clone() };
        Arc::new(Traced::new(name, format, true, true))
    })
}

/// What must hold for every record.
pub(crate) fn check(bytes: &[u8]) {
    let (tracepoints, signatures) = (tracepoints(), Signatures::default());
    let decoder = Decoder::new(SystemTime::UNIX_EPOCH, &tracepoints, &signatures);
    let Ok(record) = decoder.decode(bytes) else { return };
    // What the ring adds behind a record changes nothing.
    let padded = [bytes, &[0; 8]].concat();
    assert_eq!(decoder.decode(&padded).as_ref(), Ok(&record));

    let Record { header, process, details } = record;
    let event = Event {
        time: decoder.time(header.boot_ns),
        cgroup: CgroupId(header.cgroup),
        cgroup_path: "".into(),
        identity: Arc::default(),
        users: None,
        weight: header.weight,
        listeners: header.listeners,
        cpu: header.cpu,
        process,
        details,
    };
    assert_eq!(event.kind() as u32, header.kind);
    let fields =
        event.hit().into_iter().flat_map(|hit| hit.tracepoint.format.fields.iter().map(move |field| (hit, field)));
    for (hit, Field { name, .. }) in fields {
        let errors = [hit.int(name).err(), hit.uint(name).err(), hit.str(name).err(), hit.bytes(name).err()];
        assert!(errors.into_iter().flatten().all(|error| error.to_string().lines().count() == 1), "{name}");
    }
    for form in [Form::Text { is_colored: false }, Form::Json, Form::Logfmt] {
        let mut lines = String::new();
        form.write(&event, &mut lines);
        let line = lines.strip_suffix('\n').expect("a line ends");
        assert!(line.chars().all(|character| character >= ' '), "{line:?} is one line");
        let is_json = || serde_json::from_str::<serde_json::Value>(line).is_ok_and(|json| json.is_object());
        assert!(form != Form::Json || is_json(), "{line}");
    }
}
