//! A root file system: busybox, and the load.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::static_binary;

/// Where the load is in it.
pub const LOAD: &str = "/doubleslit-load";

/// Debian's `busybox-static`.
const BUSYBOX: &str = "/bin/busybox";

/// Fills an empty directory.
pub fn fill(root: &Path) {
    for directory in ["bin", "dev", "etc", "proc", "served", "sys", "tmp"] {
        fs::create_dir_all(root.join(directory)).expect("a directory can be made");
    }
    fs::copy(BUSYBOX, root.join("bin/busybox"))
        .unwrap_or_else(|error| panic!("cannot copy `{BUSYBOX}`; install the package busybox-static: {error}"));
    for applet in ["false", "sh", "sleep", "tail", "true"] {
        symlink("busybox", root.join("bin").join(applet)).expect("a link can be made");
    }
    fs::copy(static_binary::load(), root.join(&LOAD[1..])).expect("a file can be copied");
}
