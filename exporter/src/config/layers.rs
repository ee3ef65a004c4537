//! Defaults, file, environment and flags, each over the one before; keys that do not exist are refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use config::{ConfigError, Environment, File, FileFormat, Map, Source, Value, ValueKind};

use super::{
    Flags,
    changes::Values,
    error::{Error, one_line, quoted},
    written::Written,
};

/// The documented example: every key with its default. The keys that exist are the keys that it has.
pub(super) const DEFAULTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/doubleslit.yaml"));

const PREFIX: &str = "DOUBLESLIT_";

/// The lists whose items are rules, each with keys of its own, and an example. No variable can hold them.
const RULES: [(&str, &str); 8] = [
    ("ignore", "{container: load-*}"),
    ("events.select", "{event: exec, comm: [sh, bash]}"),
    ("events.drop", "{event: exec, comm: [sh, bash]}"),
    ("events.sample", "{event: exec, one_in: 10}"),
    ("syscalls.select", "{container: load-*}"),
    ("syscalls.drop", "{container: load-*}"),
    ("tracepoints", "{name: syscalls:sys_enter_openat, by: [flags]}"),
    (TRACES, "{name: shell, containers: [web-*], events: [exec]}"),
];

/// The list whose rules have sections of their own.
const TRACES: &str = "traces";

/// A rule of such a list.
pub(super) fn example(path: &str) -> Option<&'static str> {
    RULES.iter().find(|(list, _)| *list == path).map(|(_, example)| *example)
}

/// Puts the layers together: every setting as it is written, and what is read of that.
pub(super) fn layered(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &Flags,
) -> Result<(Values, Written), Error> {
    let defaults = defaults().map_err(layers)?;
    let keys = leaves(&defaults);
    let mut builder = config::Config::builder().add_source(Tree(defaults.clone()));
    if let Some(path) = file {
        builder = builder.add_source(Tree(read(path, &defaults)?));
    }
    builder = builder.add_source(variables(environment, &keys)?);

    let Flags { listen_addresses, telemetry_path, web_config_file, systemd_socket, log_level, log_format, pin } = flags;
    if !listen_addresses.is_empty() {
        builder = builder.set_override("web.listen_address", listen_addresses.clone()).map_err(layers)?;
    }
    builder = builder
        .set_override_option("web.telemetry_path", telemetry_path.clone())
        .and_then(|builder| builder.set_override_option("web.config_file", web_config_file.clone()))
        .and_then(|builder| builder.set_override_option("web.systemd_socket", systemd_socket.then_some("true")))
        .and_then(|builder| builder.set_override_option("log.level", log_level.clone()))
        .and_then(|builder| builder.set_override_option("log.format", log_format.clone()))
        .and_then(|builder| builder.set_override_option("bpf.pin", pin.then_some("true")))
        .map_err(layers)?;
    let layered = builder.build().map_err(layers)?;
    let values = Values::of(&layered.collect().map_err(layers)?);
    Ok((values, layered.try_deserialize().map_err(layers)?))
}

/// Every key that exists, with its sections.
#[cfg(test)]
pub(super) fn keys() -> Vec<String> {
    leaves(&defaults().expect("the defaults are YAML")).into_keys().collect()
}

/// The documented example, read.
pub(super) fn defaults() -> Result<Map<String, Value>, ConfigError> {
    yaml(DEFAULTS)
}

/// Whether a variable can hold the value of a key.
pub(super) fn has_variable(key: &str, default: &ValueKind) -> bool {
    !matches!(default, ValueKind::Table(_)) && example(key).is_none()
}

fn layers(error: ConfigError) -> Error {
    Error::Layers { reason: one_line(&error.to_string()) }
}

fn yaml(text: &str) -> Result<Map<String, Value>, ConfigError> {
    File::from_str(text, FileFormat::Yaml).collect()
}

fn read(path: &Path, defaults: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if text.lines().all(|line| matches!(line.trim(), "" | "---") || line.trim_start().starts_with('#')) {
        return Ok(Map::new());
    }
    let mut written =
        yaml(&text).map_err(|error| Error::Parse { path: path.to_owned(), reason: one_line(&reason(&error)) })?;
    fit(&mut written, defaults, "", &path.display().to_string())?;
    Ok(written)
}

fn reason(error: &ConfigError) -> String {
    match error {
        ConfigError::FileParse { cause, .. } => cause.to_string(),
        other => other.to_string(),
    }
}

/// Holds a tree against the defaults: same keys, same shape. What was left empty is taken out, so that the default stays.
fn fit(tree: &mut Map<String, Value>, defaults: &Map<String, Value>, section: &str, origin: &str) -> Result<(), Error> {
    tree.retain(|key, value| !(value.kind == ValueKind::Nil && defaults.contains_key(key)));
    // In the order of the alphabet, so that the same file always gets the same refusal.
    for (key, value) in tree.iter_mut().collect::<BTreeMap<_, _>>() {
        let path = join(section, key);
        let Some(default) = defaults.get(key) else {
            let expected = quoted(defaults.keys().collect::<BTreeSet<_>>());
            return Err(Error::UnknownKey { key: path, origin: origin.to_owned(), expected });
        };
        match (&default.kind, &mut value.kind) {
            (ValueKind::Table(default), ValueKind::Table(inner)) => fit(inner, default, &path, origin)?,
            (ValueKind::Table(default), other) => {
                let keys = quoted(default.keys().collect::<BTreeSet<_>>());
                return Err(Error::value(&path, shown(other), format!("a section with {keys}")));
            }
            (ValueKind::Array(_), ValueKind::Array(items)) => {
                if let Some(example) = example(&path) {
                    let fits = |item: &&Value| match path.as_str() {
                        TRACES => matches!(item.kind, ValueKind::Table(_)),
                        _ => is_rule(&item.kind, path != "ignore"),
                    };
                    if let Some(item) = items.iter().find(|item| !fits(item)) {
                        let expected = format!("a list of rules such as `{example}`");
                        return Err(Error::value(&path, shown(&item.kind), expected));
                    }
                } else if let Some(item) = items.iter().find(|item| !is_scalar(&item.kind)) {
                    return Err(Error::value(&path, shown(&item.kind), "a list of plain values"));
                }
            }
            (ValueKind::Array(_), other) => return Err(Error::value(&path, shown(other), "a list")),
            (_, other) if is_scalar(other) => {}
            (_, other) => return Err(Error::value(&path, shown(other), "a single value")),
        }
    }
    Ok(())
}

fn is_scalar(kind: &ValueKind) -> bool {
    !matches!(kind, ValueKind::Table(_) | ValueKind::Array(_) | ValueKind::Nil)
}

/// Whether this is like a rule. One of events or tracepoints may have lists of values, and may be one text.
fn is_rule(kind: &ValueKind, has_texts: bool) -> bool {
    let is_value = |value: &Value| match &value.kind {
        ValueKind::Array(items) => has_texts && items.iter().all(|item| is_scalar(&item.kind)),
        scalar => is_scalar(scalar),
    };
    match kind {
        ValueKind::Table(conditions) => conditions.values().all(is_value),
        other => has_texts && matches!(other, ValueKind::String(_)),
    }
}

fn shown(kind: &ValueKind) -> String {
    match kind {
        ValueKind::Table(_) => "{…}".to_owned(),
        ValueKind::Array(_) => "[…]".to_owned(),
        ValueKind::Nil => "null".to_owned(),
        scalar => scalar.to_string(),
    }
}

pub(super) fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// Every key with its sections, and whether it is a list.
fn leaves(tree: &Map<String, Value>) -> BTreeMap<String, bool> {
    fn collect(tree: &Map<String, Value>, section: &str, found: &mut BTreeMap<String, bool>) {
        for (key, value) in tree {
            let path = join(section, key);
            match &value.kind {
                ValueKind::Table(inner) => collect(inner, &path, found),
                kind => {
                    found.insert(path, matches!(kind, ValueKind::Array(_)));
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(tree, "", &mut found);
    found
}

/// The variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn variables(
    environment: impl IntoIterator<Item = (String, String)>,
    keys: &BTreeMap<String, bool>,
) -> Result<Environment, Error> {
    let known = keys.keys().filter(|key| example(key).is_none()).map(|key| variable(key)).collect::<Vec<_>>();
    let ours = environment
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && !is_service_link(name))
        .collect::<BTreeMap<_, _>>();
    if let Some(name) = ours.keys().find(|name| !known.contains(name)) {
        return Err(Error::UnknownVariable { name: name.clone(), expected: quoted(known) });
    }
    let mut source = Environment::with_prefix(PREFIX.trim_end_matches('_'))
        .prefix_separator("_")
        .separator("__")
        .ignore_empty(true)
        .try_parsing(true)
        .list_separator(",")
        .source(Some(ours.into_iter().collect()));
    // Without a single list key the separator would apply to every value.
    for (key, _) in keys.iter().filter(|(_, is_list)| **is_list) {
        source = source.with_list_parse_key(key);
    }
    Ok(source)
}

/// Whether Kubernetes sets this variable in every pod beside a Service whose name begins with ours. All keys of ours have two
/// underscores somewhere, these have none.
fn is_service_link(name: &str) -> bool {
    let tail = &name[PREFIX.len() - 1..];
    let port = |tail: &str| {
        let digits = tail.trim_start_matches(|c: char| c.is_ascii_digit());
        digits.len() < tail.len() && ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| digits.starts_with(protocol))
    };
    !tail.contains("__")
        && (tail.ends_with("_SERVICE_HOST")
            || tail.ends_with("_SERVICE_PORT")
            || tail.contains("_SERVICE_PORT_")
            || tail.ends_with("_PORT")
            || tail.split_once("_PORT_").is_some_and(|(_, rest)| port(rest)))
}

/// A tree that was read already.
#[derive(Clone, Debug)]
struct Tree(Map<String, Value>);

impl Source for Tree {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}
