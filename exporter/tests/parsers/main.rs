//! Parsers take whatever bytes there are. `cargo fuzz` tries the same properties for as long as one likes (`fuzz/`).

mod accept;
mod cgroup_path;
mod configuration;
mod containerd;
mod containerd_status;
mod cri;
mod docker;
mod docker_api;
mod event_record;
mod filter_rule;
mod kernel_btf;
mod mountinfo;
mod notice;
mod oci;
mod passwd;
mod podman;
mod process_stat;
mod runc;
mod socket;
mod state;
mod tracepoint_format;
mod uid_map;
mod user_names;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use doubleslit::identity::Scope;
use proptest::{prelude::*, sample::Index};

/// Checks what a parser makes of some bytes.
type Check = fn(&[u8]);

/// A parser's file here, which is also the name of its fuzz target and of its seeds, and its property.
const PARSERS: [(&str, Check); 21] = [
    ("accept", accept::check),
    ("cgroup_path", cgroup_path::check),
    ("configuration", configuration::check),
    ("containerd", containerd::check),
    ("containerd_status", containerd_status::check),
    ("cri", cri::check),
    ("docker", docker::check),
    ("docker_api", docker_api::check),
    ("event_record", event_record::check),
    ("filter_rule", filter_rule::check),
    ("kernel_btf", kernel_btf::check),
    ("mountinfo", mountinfo::check),
    ("notice", notice::check),
    ("oci", oci::check),
    ("passwd", passwd::check),
    ("podman", podman::check),
    ("process_stat", process_stat::check),
    ("runc", runc::check),
    ("tracepoint_format", tracepoint_format::check),
    ("uid_map", uid_map::check),
    ("user_names", user_names::check),
];

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a directory.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("cannot list {}: {error}", path.display()));
    entries.flat_map(|entry| files(&entry.expect("an entry").path())).collect()
}

fn seeds(parser: &str) -> Vec<Vec<u8>> {
    let files = files(&manifest().join("tests/fixtures/parsers").join(parser));
    assert!(!files.is_empty(), "`{parser}` has seeds");
    files.into_iter().map(|file| fs::read(file).expect("a seed can be read")).collect()
}

#[test]
fn every_parser_has_its_fuzz_target() {
    let targets = files(&manifest().join("../fuzz/fuzz_targets"));
    let targets: BTreeSet<_> = targets.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    assert_eq!(targets, PARSERS.map(|(name, _)| name).into());
}

#[test]
fn seeds_hold() {
    for (name, check) in PARSERS {
        seeds(name).iter().for_each(|seed| check(seed));
    }
}

#[test]
fn recorded_answers_tell_of_their_container() {
    for (name, api) in [("containerd", containerd::API), ("cri", cri::API), ("docker_api", docker_api::API)] {
        for seed in seeds(name) {
            let merged = socket::told(&seed, &api).merged;
            let has_start = merged.started.is_some() || merged.end.is_some() || merged.identity.scope == Scope::Pod;
            assert!(has_start && merged.told.iter().any(|(field, _)| *field == "runtime"), "{name}: {merged:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_hold(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        for (_, check) in PARSERS {
            check(&bytes);
        }
    }

    #[test]
    fn damaged_seeds_hold(
        seed: Index,
        bytes in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..8),
        cut: Option<Index>,
    ) {
        for (name, check) in PARSERS {
            let seeds = seeds(name);
            let mut seed = seed.get(&seeds).clone();
            for (place, byte) in &bytes {
                let place = place.index(seed.len().max(1));
                seed.get_mut(place).into_iter().for_each(|old| *old = *byte);
            }
            seed.truncate(cut.map_or(usize::MAX, |cut| cut.index(seed.len().max(1))));
            check(&seed);
        }
    }
}
