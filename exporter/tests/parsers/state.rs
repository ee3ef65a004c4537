//! A machine on which only some state files are there.

use std::{collections::BTreeSet, fs, sync::Arc, time::Instant};

use doubleslit::identity::{
    Runtime, Scope,
    resolve::{Resolved, Resolver},
    roots::Roots,
};
use tempfile::TempDir;

thread_local! {
    /// Where the files are; made once, because this runs often.
    static ROOT: TempDir = TempDir::with_prefix("ds-parsers-").expect("a directory can be made");
}

/// Who knows the containers of a machine that has these files.
pub(crate) fn machine(files: &[(&str, &[u8])]) -> Resolver {
    ROOT.with(|root| {
        for (file, bytes) in files {
            let file = root.path().join(file);
            if !file.exists() {
                fs::create_dir_all(file.parent().expect("it has one")).expect("a directory can be made");
            }
            fs::write(&file, bytes).expect("a file can be written");
        }
        let roots = Roots {
            docker: "/docker".into(),
            run: "/run".into(),
            lib: "/lib".into(),
            ..Roots::below(root.path(), root.path().join("cgroup"))
        };
        Resolver::new(roots, Vec::new(), Arc::default())
    })
}

/// Checks what is made of a container with its own cgroup at `path`, whose `file` has these bytes.
pub(crate) fn check(file: &str, bytes: &[u8], path: &str, runtime: Runtime) {
    let resolved = machine(&[(file, bytes)]).resolve(path, Instant::now());
    assert_sound(&resolved, path);
    assert_eq!(resolved.merged.identity.runtime, Some(runtime));
}

/// Checks what is known of a container that is surely one; `name` has its id in it.
pub(crate) fn assert_sound(resolved: &Resolved, name: &str) {
    let identity = &resolved.merged.identity;
    assert!(identity.runtime.is_some());
    match identity.scope {
        Scope::Container => assert!(name.contains(&identity.container_id) && !identity.container_id.is_empty()),
        Scope::Pod => assert_eq!([&identity.container_id, &identity.container], ["", ""]),
        Scope::Host | Scope::Other => panic!("it is a container"),
    }
    assert_eq!(resolved.own, identity.scope == Scope::Container);
    // Every field has one who told it, or none.
    let told: BTreeSet<_> = resolved.merged.told.iter().map(|(field, _)| field).collect();
    assert_eq!(told.len(), resolved.merged.told.len(), "{:?}", resolved.merged.told);
    assert_eq!(told.contains(&"started"), resolved.merged.started.is_some());
    assert_eq!(told.contains(&"image"), !identity.image.is_empty());
}
