//! A container of which one state file is there.

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

/// Checks what is made of a container with its own cgroup at `path`, whose `file` has these bytes.
pub(crate) fn check(file: &str, bytes: &[u8], path: &str, runtime: Runtime) {
    ROOT.with(|root| {
        let file = root.path().join(file);
        if !file.exists() {
            fs::create_dir_all(file.parent().expect("it has one")).expect("a directory can be made");
        }
        fs::write(&file, bytes).expect("a file can be written");
        let roots = Roots {
            docker: "/docker".into(),
            run: "/run".into(),
            lib: "/lib".into(),
            ..Roots::below(root.path(), root.path().join("cgroup"))
        };
        let resolver = Resolver::new(roots, Vec::new(), Arc::default());
        assert_sound(&resolver.resolve(path, Instant::now()), path, runtime);
    });
}

fn assert_sound(resolved: &Resolved, path: &str, runtime: Runtime) {
    let identity = &resolved.merged.identity;
    assert_eq!(identity.runtime, Some(runtime));
    match identity.scope {
        Scope::Container => assert!(path.contains(&identity.container_id) && !identity.container_id.is_empty()),
        Scope::Pod => assert_eq!([&identity.container_id, &identity.container], ["", ""]),
        Scope::Host | Scope::Other => panic!("the path tells that it is a container"),
    }
    assert_eq!(resolved.own, identity.scope == Scope::Container);
    // Every field has one who told it, or none.
    let told: BTreeSet<_> = resolved.merged.told.iter().map(|(field, _)| field).collect();
    assert_eq!(told.len(), resolved.merged.told.len(), "{:?}", resolved.merged.told);
    assert_eq!(told.contains(&"started"), resolved.merged.started.is_some());
    assert_eq!(told.contains(&"image"), !identity.image.is_empty());
}
