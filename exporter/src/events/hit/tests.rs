use super::*;
use crate::tracepoints::{format::Format, name::Name};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../tests/fixtures/parsers/tracepoint_format/", $name))
    };
}

const THREAD: u32 = 435;

fn hit(category: &str, description: &str, record: Vec<u8>, texts: &[&[u8]]) -> Hit {
    let format = Format::parse(description).expect("it is a description");
    let name = Name { category: category.to_owned(), name: format.name.clone() };
    let texts = texts.iter().map(|text| text.to_vec()).collect();
    Hit::new(Arc::new(Traced::new(name, format, true, false)), THREAD, record, texts)
}

/// A fork by this thread.
fn fork() -> Hit {
    let words = [4u32 << 16 | 24, THREAD, 5 << 16 | 28, 436];
    let words = words.into_iter().flat_map(u32::to_ne_bytes);
    let record = [0xff; 8].into_iter().chain(words).chain(*b"ash\0").chain(*b"b\xff h\0");
    hit("sched", recorded!("sched_process_fork"), record.collect(), &[])
}

/// The beginning of an `openat`.
fn openat(category: &str, filename: u64, texts: &[&[u8]]) -> Hit {
    let words = [u64::MAX, 257, (-100i64).cast_unsigned(), filename, 0o100, u64::MAX << 16 | 0o644];
    hit(category, recorded!("sys_enter_openat"), words.into_iter().flat_map(u64::to_ne_bytes).collect(), texts)
}

#[test]
fn fields_have_types() {
    let fork = fork();
    assert_eq!((fork.int("parent_pid"), fork.uint("child_pid")), (Ok(435), Ok(436)));
    assert_eq!((fork.str("parent_comm"), fork.bytes("parent_comm")), (Ok("ash".into()), Ok(&b"ash\0"[..])));
    assert_eq!((fork.str("child_comm"), fork.bytes("child_comm")), (Ok("b\\xff h".into()), Ok(&b"b\xff h\0"[..])));
    assert_eq!((fork.int("common_type"), fork.int("common_pid")), (Ok(366), Ok(THREAD.into())));
    assert_eq!(fork.bytes("child_pid"), Ok(&436u32.to_ne_bytes()[..]));
    assert_eq!(fork.raw().get(12..16), Some(&THREAD.to_ne_bytes()[..]));

    let openat = openat("syscalls", 0xffff_8000_0000_1000, &[b"/etc/hosts\0"]);
    assert_eq!((openat.int("dfd"), openat.number("dfd"), openat.int("mode")), (Ok(-100), Ok(-100), Ok(0o644)));
    assert_eq!(openat.str("filename"), Ok("/etc/hosts".into()));
    assert_eq!(openat.bytes("filename"), Ok(&b"/etc/hosts\0"[..]));
    assert_eq!(openat.uint("filename"), Ok(0xffff_8000_0000_1000));
    assert_eq!(openat.number("filename"), Ok(0xffff_8000_0000_1000));
}

#[test]
fn what_is_not_whole_says_so() {
    let cut = [b'a'; TEXT_BYTES];
    for (texts, expected) in [(&b"/etc/hosts\0"[..], true), (&cut, false), (b"", false)] {
        let openat = openat("syscalls", 0x10, &[texts]);
        assert_eq!((openat.is_whole("filename"), openat.is_whole("flags")), (Ok(expected), Ok(true)));
    }
    assert_eq!(openat("syscalls", 0x10, &[&cut]).str("filename").map(|text| text.len()), Ok(TEXT_BYTES));
    assert_eq!(openat("syscalls", 0, &[b""]).is_whole("filename"), Ok(true), "there is no text at no address");
}

#[test]
fn mistakes_are_told() {
    let (fork, unread, none) = (fork(), openat("syscalls", 0x10, &[b""]), openat("syscalls", 0, &[b""]));
    // Of another category it may be an address of the kernel.
    let pointer = openat("fs", u64::MAX, &[]);
    let cut = hit("sched", recorded!("sched_process_fork"), fork.raw()[..30].to_vec(), &[]);
    for (error, expected) in [
        (
            fork.int("child").err(),
            "the tracepoint `sched:sched_process_fork` has no field `child`: expected one of `common_type`, `common_flags`, \
             `common_preempt_count`, `common_pid`, `parent_comm`, `parent_pid`, `child_comm`, `child_pid`",
        ),
        (
            fork.is_whole("a\nb").err(),
            "the tracepoint `sched:sched_process_fork` has no field `a b`: expected one of `common_type`, `common_flags`, \
             `common_preempt_count`, `common_pid`, `parent_comm`, `parent_pid`, `child_comm`, `child_pid`",
        ),
        (
            fork.int("child_comm").err(),
            "the field `child_comm` of the tracepoint `sched:sched_process_fork` is a `__data_loc char[]` and no signed integer of \
             64 bits",
        ),
        (
            fork.str("child_pid").err(),
            "the field `child_pid` of the tracepoint `sched:sched_process_fork` is a `pid_t` and no text",
        ),
        (
            pointer.str("filename").err(),
            "the field `filename` of the tracepoint `fs:sys_enter_openat` is a `const char *` and no text",
        ),
        (
            pointer.int("filename").err(),
            "the field `filename` of the tracepoint `fs:sys_enter_openat` is 18446744073709551615, which is no signed integer of 64 \
             bits",
        ),
        (
            unread.uint("dfd").err(),
            "the field `dfd` of the tracepoint `syscalls:sys_enter_openat` is -100, which is no unsigned integer",
        ),
        (
            unread.str("filename").err(),
            "the field `filename` of the tracepoint `syscalls:sys_enter_openat` is the address 0x10, where no text could be read",
        ),
        (
            none.bytes("filename").err(),
            "the field `filename` of the tracepoint `syscalls:sys_enter_openat` is the address 0x0, where no text could be read",
        ),
        (
            fork.int("common_flags").err(),
            "the kernel tells no program the field `common_flags` of the tracepoint `sched:sched_process_fork`",
        ),
        (
            cut.str("child_comm").err(),
            "the record of the tracepoint `sched:sched_process_fork` has 30 bytes, and its field `child_comm` ends behind byte 33",
        ),
    ] {
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
    }
}
