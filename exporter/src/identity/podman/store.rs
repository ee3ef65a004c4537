//! One storage of containers: the lists of what is in it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use crate::identity::{
    facts::Facts,
    failures::Reason,
    state_file::{Stamp, StateFileError, Tree},
};

/// How many drivers' directories are looked into; a storage nearly always has one.
const DRIVERS: usize = 8;

/// The lists in a driver's directory: of containers that outlive a boot, and of those that do not.
const LISTS: [&str; 2] = ["containers.json", "volatile-containers.json"];

/// A storage with its lists, each read once for every change.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    lists: HashMap<PathBuf, List>,
}

/// A list that was read.
#[derive(Debug)]
struct List {
    read: Stamp,
    containers: HashMap<String, Named>,
}

/// What a list tells of a container.
#[derive(Debug)]
struct Named {
    name: String,
    image: String,
    image_id: String,
}

/// A container in a list.
#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
    /// The image's id.
    #[serde(default)]
    image: Option<String>,
    /// What Podman adds, as JSON in a string.
    #[serde(default)]
    metadata: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Metadata {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    image_name: Option<String>,
}

impl Store {
    /// The storage at a directory.
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, lists: HashMap::new() }
    }

    /// Its directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the lists tell of a container. Why a list cannot be read is told once for every change of it.
    pub(super) fn find(&mut self, tree: &Tree, id: &str, failure: &mut Option<StateFileError>) -> Option<Facts> {
        // The directory may be a link, such as to a larger disk, as those above it may: it leads nowhere out of the tree.
        let (names, _) = tree.names(&self.directory.join(".")).unwrap_or_default();
        let drivers = names.iter().filter(|name| name.ends_with("-containers")).take(DRIVERS);
        let drivers: Vec<_> = drivers.map(|name| self.directory.join(name)).collect();
        self.lists.retain(|path, _| drivers.iter().any(|driver| path.starts_with(driver)));
        let paths = drivers.iter().flat_map(|driver| LISTS.map(|list| driver.join(list)));
        paths.into_iter().find_map(|path| {
            if let Err(error) = self.renew(tree, &path)
                && error.reason() != Reason::Missing
            {
                *failure = Some(error);
            }
            let Named { name, image, image_id } = self.lists.get(&path)?.containers.get(id)?;
            let [container, image, image_id] = [name, image, image_id].map(String::clone);
            Some(Facts { container, image, image_id, ..Facts::default() })
        })
    }

    /// Reads a list if it changed.
    fn renew(&mut self, tree: &Tree, path: &Path) -> Result<(), StateFileError> {
        let stamp = tree.stamp(path).inspect_err(|_| drop(self.lists.remove(path)))?;
        if self.lists.get(path).is_some_and(|list| list.read.is_still(stamp)) {
            return Ok(());
        }
        let outcome = read(tree, path);
        let (containers, outcome) = match outcome {
            Ok(containers) => (containers, Ok(())),
            Err(error) => (HashMap::new(), Err(error)),
        };
        self.lists.insert(path.to_owned(), List { read: stamp, containers });
        outcome
    }
}

/// Reads a list. An entry that makes no sense hides no other one.
fn read(tree: &Tree, path: &Path) -> Result<HashMap<String, Named>, StateFileError> {
    let bytes = tree.read(path)?;
    let parsed = serde_json::from_str::<Vec<Value>>(&String::from_utf8_lossy(&bytes));
    let entries = parsed.map_err(|source| StateFileError::Parse { path: tree.outside(path), source })?;
    let entries = entries.into_iter().filter_map(|entry| serde_json::from_value::<Entry>(entry).ok());
    Ok(entries.map(|entry| (entry.id.clone(), entry.named())).collect())
}

impl Entry {
    fn named(self) -> Named {
        let metadata: Metadata =
            self.metadata.and_then(|metadata| serde_json::from_str(&metadata).ok()).unwrap_or_default();
        let first = self.names.unwrap_or_default().into_iter().next();
        Named {
            name: first.or(metadata.name).unwrap_or_default(),
            image: metadata.image_name.unwrap_or_default(),
            image_id: self.image.unwrap_or_default(),
        }
    }
}
