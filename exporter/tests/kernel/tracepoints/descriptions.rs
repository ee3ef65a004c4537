//! What is read in the kernel's descriptions of its tracepoints, against what libtraceevent reads there.

use std::{fs, path::Path};

use doubleslit::tracepoints::{
    field::{Field, Shape},
    format::Format,
    tracefs::Tracefs,
};

use super::libtraceevent::{self, IS_ARRAY, IS_DYNAMIC, IS_POINTER, IS_RELATIVE, IS_SIGNED, Library};

/// A field as both can tell it.
#[derive(Debug, PartialEq)]
struct Told {
    name: String,
    ctype: String,
    offset: i64,
    size: i64,
    signed: bool,
    array: bool,
    pointer: bool,
    dynamic: bool,
    relative: bool,
}

/// A type without what separates its words: readers put spaces where they like.
fn joined(ctype: &str) -> String {
    ctype.split_whitespace().collect()
}

fn ours(field: &Field) -> Told {
    let Field { name, declared, offset, size, signed, common: _, user: _, shape } = field;
    let located = matches!(shape, Shape::Located { .. });
    Told {
        name: name.clone(),
        ctype: joined(declared),
        offset: i64::from(*offset),
        size: i64::from(*size),
        signed: *signed,
        array: declared.contains('['),
        pointer: declared.contains('*'),
        dynamic: located,
        relative: matches!(shape, Shape::Located { relative: true, .. }),
    }
}

fn theirs(field: &libtraceevent::Field) -> Told {
    let libtraceevent::Field { name, ctype, offset, size, flags } = field;
    let is = |flag| flags & flag != 0;
    Told {
        name: name.clone(),
        ctype: joined(ctype),
        offset: i64::from(*offset),
        size: i64::from(*size),
        signed: is(IS_SIGNED),
        array: is(IS_ARRAY),
        pointer: is(IS_POINTER),
        dynamic: is(IS_DYNAMIC),
        relative: is(IS_RELATIVE),
    }
}

/// The fields of a description by both, where both have it.
fn compare(library: &Library, category: &str, description: &str) -> Option<()> {
    let format = Format::parse(description).unwrap_or_else(|error| panic!("{error}: {description}"));
    let found = library.read(category, description, format.id)?;
    assert_eq!(format.fields.len(), found.len(), "{category}: {description}");
    for (field, found) in format.fields.iter().zip(&found) {
        assert_eq!(ours(field), theirs(found), "{category}: {description}");
    }
    Some(())
}

#[test]
#[ignore = "needs root"]
fn this_kernel_s_tracepoints() {
    let tracefs = Tracefs::find(Path::new("/")).expect("tracefs");
    let library = Library::load();
    let (mut compared, mut refused) = (0, Vec::new());
    for name in tracefs.names().expect("tracepoints") {
        let description = tracefs.description(&name).expect("it is described");
        match compare(&library, &name.category, &description) {
            Some(()) => compared += 1,
            None => refused.push(name.to_string()),
        }
    }
    println!("{compared} descriptions compared; libtraceevent has no fields of {refused:?}");
    assert!(compared >= 500 && refused.len() * 20 < compared, "{compared} compared, {} refused", refused.len());
}

#[test]
#[ignore = "needs libtraceevent"]
fn recorded_descriptions() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parsers/tracepoint_format");
    let library = Library::load();
    for entry in fs::read_dir(seeds).expect("seeds") {
        let path = entry.expect("a seed").path();
        // The library understands neither attributes with texts nor several dimensions.
        if path.ends_with("by_hand") {
            continue;
        }
        let description = fs::read_to_string(&path).expect("a seed can be read");
        assert!(compare(&library, "recorded", &description).is_some(), "{}", path.display());
    }
}

/// Where nothing is mounted, tracefs is read nevertheless, and no mount appears.
#[test]
#[ignore = "needs root"]
fn an_unmounted_tracefs() {
    let nowhere = tempfile::TempDir::new().expect("a directory can be made");
    let mounts = || fs::read_to_string("/proc/self/mountinfo").expect("it can be read");
    let before = mounts();
    let tracefs = Tracefs::find(nowhere.path()).expect("tracefs");
    let names = tracefs.names().expect("tracepoints");
    let fork = names.iter().find(|name| name.to_string() == "sched:sched_process_fork").expect("it is there");
    assert!(tracefs.format(fork).expect("it is described").field("child_pid").is_some());
    assert_eq!(mounts(), before);
}
