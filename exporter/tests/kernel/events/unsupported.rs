//! A kernel that lacks what one kind of event needs still sends the others.

use std::{collections::BTreeMap, fs, path::PathBuf};

use doubleslit::{
    bpf::{
        events::EventSettings,
        object::{self, KERNEL_BTF, LoadError, Loaded, Settings},
    },
    filter::kernel::KernelFilter,
};
use doubleslit_common::{event::Gate, kind::Kind};
use tempfile::TempDir;

/// This kernel's description of itself, in which a member has another name of the same length.
fn without(member: &str, directory: &TempDir) -> PathBuf {
    let mut btf = fs::read(KERNEL_BTF).expect("the kernel describes itself");
    let name = format!("\0{member}\0");
    let at = btf.windows(name.len()).position(|bytes| bytes == name.as_bytes()).expect("the kernel has this member");
    btf[at + 1] = b'X';
    let path = directory.path().join("vmlinux");
    fs::write(&path, btf).expect("a file can be written");
    path
}

fn load(kinds: &[Kind], btf: PathBuf) -> Result<Loaded, LoadError> {
    let gates: BTreeMap<_, _> = kinds.iter().map(|kind| (*kind, Gate::open(1))).collect();
    let events = EventSettings {
        gates,
        filter: KernelFilter::default(),
        ring_bytes: 1 << 16,
        arguments: 0,
        working_directory: false,
    };
    object::load(&Settings { probes: vec![], counts: 1024, edges: 1, events: Some(events), stats: false, btf })
}

#[test]
#[ignore = "needs root and BTF"]
fn one_kind_of_two() {
    let directory = TempDir::new().expect("a directory can be made");
    let btf = without("oom_mm", &directory);
    let reason = "this kernel has no field `signal_struct.oom_mm` of the expected size";

    let object = load(&[Kind::Exec, Kind::Exit], btf.clone()).expect("one of them is there").object;
    let unsupported: Vec<_> =
        object.unsupported.iter().map(|(program, reason)| (program.name, reason.as_str())).collect();
    assert_eq!(unsupported, [("exit_event", reason)]);
    let attached: Vec<_> = object.programs.iter().map(|attached| attached.program.name).collect();
    assert_eq!(attached, ["exec_event"]);
    drop(object);

    let error = load(&[Kind::Exit], btf).expect_err("nothing is left");
    assert_eq!(error.to_string(), format!("cannot attach the program `exit_event`: {reason}"));
}
