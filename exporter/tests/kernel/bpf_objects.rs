//! What a process holds in the kernel.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use doubleslit_testbed::{shell, wait};

/// The BPF objects that a process holds: `prog`, `map` or `link` and an id.
pub(crate) fn bpf_objects(pid: i32) -> BTreeSet<(String, String)> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("the process is there");
    let texts = descriptors.filter_map(|descriptor| fs::read_to_string(descriptor.ok()?.path()).ok());
    let mut objects = BTreeSet::new();
    for text in texts {
        for line in text.lines() {
            if let Some((kind, id)) = line.split_once("_id:")
                && ["prog", "map", "link"].contains(&kind)
            {
                objects.insert((kind.to_owned(), id.trim().to_owned()));
            }
        }
    }
    objects
}

/// Whether the kernel still has an object. It frees them in the background.
pub(crate) fn is_there((kind, id): &(String, String)) -> bool {
    shell::output(Command::new("bpftool").args([kind, "show", "id", id])).status.success()
}

pub(crate) fn await_gone(objects: &BTreeSet<(String, String)>) {
    wait::within(Duration::from_secs(5), "programs, maps and links go", || {
        (!objects.iter().any(is_there)).then_some(())
    });
}
