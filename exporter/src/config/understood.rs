//! From what was written to what is meant.

use std::{path::PathBuf, time::Duration};

use super::{
    Bpf, Config, Identity, Limits, Log, LogFormat, LogLevel, Maps, Metrics, Poll, Privileges, Probes, Retention,
    Sockets,
    address::ListenAddress,
    error::{Error, quoted},
    ignore::ignore,
    labels::{container_labels, row_labels},
    otlp,
    tracepoints::tracepoints,
    traces::traces,
    written::Written,
};
use crate::probes::PROBES;

const CAPACITY_MAX: u32 = 1 << 24;
const INTERVAL_MIN: Duration = Duration::from_millis(10);
const HOUR: Duration = Duration::from_secs(3600);

impl TryFrom<Written> for Config {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self, Error> {
        let Written {
            web,
            api,
            log,
            probes,
            syscalls,
            poll,
            maps,
            retention,
            identity,
            limits,
            ignore: rules,
            tracepoints: named,
            events,
            traces: begun,
            metrics,
            bpf,
            privileges,
            otlp,
        } = written;
        let interval = duration("poll.interval", &poll.interval)?;
        if !(INTERVAL_MIN..=HOUR).contains(&interval) {
            return Err(Error::value("poll.interval", poll.interval, "a duration from `10ms` to `1h`"));
        }
        let container_labels = container_labels(&identity.container_labels)?;
        let labels = row_labels(
            &identity.labels,
            switch("identity.unit", &identity.unit)?,
            &identity.extra_labels,
            &container_labels,
        )?;
        Ok(Self {
            tracepoints: tracepoints(named, &labels)?,
            web: web.try_into()?,
            api: api.try_into()?,
            log: Log {
                level: choice("log.level", &log.level, LogLevel::ALL, LogLevel::name)?,
                format: choice("log.format", &log.format, LogFormat::ALL, LogFormat::name)?,
            },
            probes: Probes(
                PROBES
                    .iter()
                    .map(|probe| {
                        let key = format!("probes.{}", probe.name);
                        Ok((probe.name, probes.get(probe.name).map_or(Ok(true), |text| switch(&key, text))?))
                    })
                    .collect::<Result<_, Error>>()?,
            ),
            syscalls: syscalls.try_into()?,
            poll: Poll { interval, max_age: duration("poll.max_age", &poll.max_age)? },
            maps: Maps {
                counts: capacity("maps.counts", &maps.counts)?,
                edges: capacity("maps.edges", &maps.edges)?,
                hits: capacity("maps.hits", &maps.hits)?,
            },
            retention: Retention { grace: duration("retention.grace", &retention.grace)? },
            identity: Identity {
                labels,
                container_labels,
                host_root: absolute("identity.host_root", &identity.host_root)?,
                docker_root: absolute("identity.docker_root", &identity.docker_root)?,
                sockets: Sockets {
                    docker: sockets("identity.sockets.docker", &identity.sockets.docker)?,
                    cri: sockets("identity.sockets.cri", &identity.sockets.cri)?,
                    containerd: sockets("identity.sockets.containerd", &identity.sockets.containerd)?,
                },
            },
            limits: Limits {
                series_per_family: limit("limits.series_per_family", &limits.series_per_family)?,
                series_per_container: limit("limits.series_per_container", &limits.series_per_container)?,
            },
            ignore: ignore(rules)?,
            events: events.try_into()?,
            traces: traces(begun)?,
            metrics: Metrics { created: switch("metrics.created", &metrics.created)? },
            bpf: Bpf {
                stats: switch("bpf.stats", &bpf.stats)?,
                pin: switch("bpf.pin", &bpf.pin)?,
                pin_path: pin_path("bpf.pin_path", &bpf.pin_path)?,
            },
            privileges: Privileges {
                drop: switch("privileges.drop", &privileges.drop)?,
                landlock: switch("privileges.landlock", &privileges.landlock)?,
                seccomp: switch("privileges.seccomp", &privileges.seccomp)?,
            },
            otlp: otlp::understood(otlp)?,
        })
    }
}

const ADDRESS: &str = "an address such as `127.0.0.1:10435`, `[::1]:10435` or `:10435`";

pub(super) fn some_addresses(written: &[String]) -> Result<Vec<ListenAddress>, Error> {
    const KEY: &str = "web.listen_address";
    if written.is_empty() { Err(Error::value(KEY, "[]", ADDRESS)) } else { listen_addresses(KEY, written) }
}

pub(super) fn listen_addresses(key: &str, written: &[String]) -> Result<Vec<ListenAddress>, Error> {
    let mut addresses = Vec::new();
    for text in written {
        let address = ListenAddress::parse(text).ok_or_else(|| Error::value(key, text, ADDRESS))?;
        if addresses.contains(&address) {
            return Err(Error::value(key, text, "each address once"));
        }
        addresses.push(address);
    }
    Ok(addresses)
}

pub(super) fn telemetry_path(text: String) -> Result<String, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    if text.len() < 2 || !text.starts_with('/') || text.starts_with("/-/") || !text.chars().all(plain) {
        let expected = "a path such as `/metrics`: not `/`, not below `/-/`, of letters, digits and `/-._~`";
        return Err(Error::value("web.telemetry_path", text, expected));
    }
    Ok(text)
}

pub(super) fn choice<T: Copy, const N: usize>(
    key: &str,
    text: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, Error> {
    all.into_iter()
        .find(|choice| name(*choice) == text)
        .ok_or_else(|| Error::value(key, text, format!("one of {}", quoted(all.map(name)))))
}

pub(super) fn switch(key: &str, text: &str) -> Result<bool, Error> {
    text.parse().map_err(|_| Error::value(key, text, "`true` or `false`"))
}

pub(super) fn duration(key: &str, text: &str) -> Result<Duration, Error> {
    humantime::parse_duration(text).map_err(|_| Error::value(key, text, "a duration such as `500ms`, `1s` or `5m`"))
}

fn capacity(key: &str, text: &str) -> Result<u32, Error> {
    let number = text.parse().ok().filter(|number| (1..=CAPACITY_MAX).contains(number));
    number.ok_or_else(|| Error::value(key, text, format!("a number from `1` to `{CAPACITY_MAX}`")))
}

pub(super) fn limit(key: &str, text: &str) -> Result<usize, Error> {
    text.parse().map_err(|_| Error::value(key, text, "a number, `0` for no limit"))
}

pub(super) fn absolute(key: &str, text: &str) -> Result<PathBuf, Error> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err(Error::value(key, text, "an absolute path")) }
}

/// The kernel takes no dots in the names of what is pinned.
fn pin_path(key: &str, text: &str) -> Result<PathBuf, Error> {
    let path = absolute(key, text)?;
    let is_plain = path.file_name().is_some_and(|name| !name.as_encoded_bytes().contains(&b'.'));
    if is_plain {
        Ok(path)
    } else {
        Err(Error::value(key, text, "an absolute path of a directory without a dot in its name"))
    }
}

fn sockets(key: &str, written: &[String]) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for text in written {
        let path = absolute(key, text)?;
        if paths.contains(&path) {
            return Err(Error::value(key, text, "each socket once"));
        }
        paths.push(path);
    }
    Ok(paths)
}
