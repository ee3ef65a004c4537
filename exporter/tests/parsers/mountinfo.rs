//! `/proc/self/mountinfo`.

use std::path::Path;

use doubleslit::identity::hierarchy::find;

/// What must hold for every text.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(found) = find(&text, Path::new("/")) else { return };
    assert!(text.contains(" - cgroup2"), "{text:?}");
    // Escapes only ever make a path shorter.
    assert!(found.as_os_str().len() <= text.len(), "{text:?}");
    // What is mounted on top of everything hides it.
    let hidden = format!("{text}\n1 1 0:1 / {} rw - tmpfs tmpfs rw\n", escaped(&found.to_string_lossy()));
    assert_ne!(find(&hidden, Path::new("/")), Some(found), "{text:?}");
}

/// A path as the kernel writes it.
fn escaped(path: &str) -> String {
    path.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('\n', "\\012")
}
