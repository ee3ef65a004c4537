mod api;
mod events;
mod labels;

use std::{collections::BTreeSet, io::Write as _, path::Path};

use doubleslit_common::kind::Kind;

use super::*;
use crate::{
    events::{fields::KINDS, redact::Redaction},
    filter::{Filter, List, Sampling, WrittenRule},
    identity::labels::IdentityLabel,
    probes::{PROBES, syscall::Calls},
};

fn with(file: &str, variables: &[(&str, &str)], flags: &Flags) -> Result<Config, String> {
    let mut written = tempfile::NamedTempFile::new().expect("a temporary file");
    written.write_all(file.as_bytes()).expect("written");
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load(Some(written.path()), variables, flags)
        .map_err(|error| chain(&error).replace(&written.path().display().to_string(), "FILE"))
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}

fn from_file(file: &str) -> Result<Config, String> {
    with(file, &[], &Flags::default())
}

fn defaults() -> Config {
    load(None, [], &Flags::default()).expect("the defaults")
}

#[test]
fn the_documented_file_is_the_default() {
    let config = defaults();
    assert_eq!(from_file(include_str!("../../../config/doubleslit.yaml")), Ok(config.clone()));
    assert_eq!(
        config,
        Config {
            web: Web {
                listen_addresses: vec![ListenAddress { host: "127.0.0.1".to_owned(), port: 10435 }],
                telemetry_path: "/metrics".to_owned(),
                live_events: LiveEvents::Auto,
                systemd_socket: false,
                config_file: None,
                allowed_hosts: Vec::new(),
                limits: WebLimits {
                    connections: 512,
                    header_bytes: 16384,
                    handshake_time: Duration::from_secs(10),
                    header_time: Duration::from_secs(10),
                    body_time: Duration::from_secs(30),
                    idle_time: Duration::from_secs(300),
                    stall_time: Duration::from_secs(30),
                    page_streams: 8,
                    api_streams: 64,
                },
            },
            api: Api { socket: Some(SOCKET.into()), tcp: None },
            log: Log { level: LogLevel::Info, format: LogFormat::Text },
            probes: Probes(PROBES.iter().map(|probe| (probe.name, probe.name != "syscall")).collect()),
            syscalls: Syscalls { calls: Calls::all(), time: false, of: Owners::default() },
            poll: Poll { interval: Duration::from_secs(1), max_age: Duration::from_secs(1) },
            maps: Maps { counts: 65536, edges: 16384, hits: 16384 },
            retention: Retention { grace: Duration::from_secs(300) },
            identity: Identity {
                labels: RowLabels {
                    identity: vec![
                        IdentityLabel::Namespace,
                        IdentityLabel::Pod,
                        IdentityLabel::Container,
                        IdentityLabel::ContainerId,
                    ],
                    unit: false,
                    extra: Vec::new(),
                },
                container_labels: vec![
                    ContainerLabel {
                        key: "com.docker.compose.project".to_owned(),
                        label: "container_label_com_docker_compose_project".to_owned(),
                    },
                    ContainerLabel {
                        key: "com.docker.compose.service".to_owned(),
                        label: "container_label_com_docker_compose_service".to_owned(),
                    },
                ],
                host_root: "/".into(),
                docker_root: "/var/lib/docker".into(),
                sockets: Sockets::default(),
            },
            limits: Limits { series_per_family: 100_000, series_per_container: 1000 },
            ignore: Ignore::default(),
            tracepoints: Vec::new(),
            traces: Vec::new(),
            events: Events {
                kinds: KINDS.iter().copied().filter(|kind| *kind != Kind::Syscall).collect(),
                filter: Filter::default(),
                sampling: Sampling::default(),
                ring_bytes: 8 << 20,
                arguments: Arguments { enabled: false, bytes: 16 << 10, redact: Redaction::default() },
                working_directory: false,
                calls: Calls::default(),
            },
            metrics: Metrics { created: false },
            privileges: Privileges { drop: true, landlock: true, seccomp: true },
            bpf: Bpf { stats: false, pin: false, pin_path: PathBuf::from("/sys/fs/bpf/doubleslit") },
            otlp: otlp::Otlp {
                resource: Vec::new(),
                identity: otlp::Describes::Attributes,
                shutdown: Duration::from_secs(5),
                logs: None,
                metrics: None,
            },
        }
    );
}

#[test]
fn the_documented_file_names_every_probe() {
    let file: BTreeSet<_> =
        layers::keys().into_iter().filter_map(|key| key.strip_prefix("probes.").map(str::to_owned)).collect();
    assert_eq!(file, PROBES.iter().map(|probe| probe.name.to_owned()).collect());
}

#[test]
fn later_layers_win() {
    let file =
        "log: {level: warn, format: json}\npoll: {interval: 2s}\nprobes: {exec: false}\nweb:\n  telemetry_path: /a\n";
    let variables = [
        ("DOUBLESLIT_LOG__LEVEL", "debug"),
        ("DOUBLESLIT_WEB__TELEMETRY_PATH", "/b"),
        ("DOUBLESLIT_WEB__LISTEN_ADDRESS", "[::1]:1, :2"),
        ("DOUBLESLIT_PROBES__TCP", "false"),
        ("DOUBLESLIT_MAPS__COUNTS", "7"),
        ("DOUBLESLIT_POLL__MAX_AGE", "0s"),
        ("DOUBLESLIT_RETENTION__GRACE", ""),
        ("HOME", "/root"),
    ];
    let flags = Flags { telemetry_path: Some("/c".to_owned()), pin: true, ..Flags::default() };
    let config = with(file, &variables, &flags).expect("valid");
    assert!(config.bpf.pin);
    assert_eq!(config.log, Log { level: LogLevel::Debug, format: LogFormat::Json });
    assert_eq!(config.web.telemetry_path, "/c");
    assert_eq!(config.web.listen_addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["[::1]:1", ":2"]);
    assert_eq!(config.poll, Poll { interval: Duration::from_secs(2), max_age: Duration::ZERO });
    assert_eq!(config.maps, Maps { counts: 7, edges: 16384, hits: 16384 });
    assert_eq!(config.retention, defaults().retention);
    let on: Vec<_> = PROBES.iter().map(|probe| probe.name).filter(|name| config.probes.is_on(name)).collect();
    assert_eq!(on, ["fork", "exit", "oom", "signal", "socket_state", "container"]);
}

#[test]
fn flags_replace_the_list_of_addresses() {
    let flags =
        Flags { listen_addresses: vec!["localhost:1".to_owned(), "localhost:2".to_owned()], ..Flags::default() };
    let config = with("", &[("DOUBLESLIT_WEB__LISTEN_ADDRESS", ":9")], &flags).expect("valid");
    assert_eq!(config.web.listen_addresses.len(), 2);
}

#[test]
fn what_is_left_empty_keeps_its_default() {
    assert_eq!(from_file(""), Ok(defaults()));
    assert_eq!(from_file("---\n# nothing\n"), Ok(defaults()));
    assert_eq!(from_file("web:\nlog:\n  level:\n  # format: json\n"), Ok(defaults()));
}

#[test]
fn files_are_refused() {
    for (file, expected) in [
        (
            "webb: {}",
            "unknown key `webb` in `FILE`: expected one of `api`, `bpf`, `events`, `identity`, `ignore`, `limits`, `log`, `maps`, `metrics`, `otlp`, `poll`, `privileges`, `probes`, `retention`, `syscalls`, `tracepoints`, `traces`, `web`",
        ),
        (
            "web: {path: /x}",
            "unknown key `web.path` in `FILE`: expected one of `allowed_hosts`, `config_file`, `limits`, `listen_address`, `live_events`, \
             `systemd_socket`, `telemetry_path`",
        ),
        (
            "web.telemetry_path: /x",
            "unknown key `web.telemetry_path` in `FILE`: expected one of `api`, `bpf`, `events`, `identity`, `ignore`, `limits`, `log`, `maps`, `metrics`, `otlp`, `poll`, `privileges`, `probes`, `retention`, `syscalls`, `tracepoints`, `traces`, `web`",
        ),
        (
            "Web: {}",
            "unknown key `Web` in `FILE`: expected one of `api`, `bpf`, `events`, `identity`, `ignore`, `limits`, `log`, `maps`, `metrics`, `otlp`, `poll`, `privileges`, `probes`, `retention`, `syscalls`, `tracepoints`, `traces`, `web`",
        ),
        (
            "probes: {open: true}",
            "unknown key `probes.open` in `FILE`: expected one of `container`, `exec`, `exit`, `fork`, `oom`, `signal`, `socket_state`, `syscall`, `tcp`",
        ),
        (
            "web: 3",
            "invalid value `3` for `web`: expected a section with `allowed_hosts`, `config_file`, `limits`, `listen_address`, `live_events`, \
             `systemd_socket`, `telemetry_path`",
        ),
        (
            "probes: [exec]",
            "invalid value `[…]` for `probes`: expected a section with `container`, `exec`, `exit`, `fork`, `oom`, `signal`, `socket_state`, `syscall`, `tcp`",
        ),
        ("web: {listen_address: ':1'}", "invalid value `:1` for `web.listen_address`: expected a list"),
        (
            "web: {listen_address: [[a]]}",
            "invalid value `[…]` for `web.listen_address`: expected a list of plain values",
        ),
        ("log: {level: [info]}", "invalid value `[…]` for `log.level`: expected a single value"),
        ("- a", "parsing the configuration `FILE`: invalid type: sequence, expected a map"),
        (
            "web: {",
            "parsing the configuration `FILE`: while parsing a node, did not find expected node content at byte 6 line 2 column 1",
        ),
    ] {
        assert_eq!(from_file(file), Err(expected.to_owned()), "{file}");
    }
    assert_eq!(
        load(Some(Path::new("/nowhere.yaml")), [], &Flags::default()).map_err(|error| chain(&error)),
        Err("reading the configuration `/nowhere.yaml`: No such file or directory (os error 2)".to_owned())
    );
}

#[test]
fn values_are_refused() {
    const DURATION: &str = "a duration such as `500ms`, `1s` or `5m`";
    const ADDRESS: &str = "an address such as `127.0.0.1:10435`, `[::1]:10435` or `:10435`";
    const PATH: &str = "a path such as `/metrics`: not `/`, not below `/-/`, of letters, digits and `/-._~`";
    const LABELS: &str = "`namespace`, `pod`, `container`, `container_id`, `runtime`, `pod_uid`, `image`";
    for (section, key, written, shown, expected) in [
        ("web", "listen_address", "[nonsense]", "nonsense", ADDRESS),
        ("web", "listen_address", "[]", "[]", ADDRESS),
        ("web", "listen_address", "[':1', ':1']", ":1", "each address once"),
        ("web", "live_events", "on", "on", "one of `auto`, `always`, `never`"),
        ("web", "telemetry_path", "metrics", "metrics", PATH),
        ("web", "telemetry_path", "/", "/", PATH),
        ("web", "telemetry_path", "/-/healthy", "/-/healthy", PATH),
        ("web", "telemetry_path", "'/{a}'", "/{a}", PATH),
        ("log", "level", "loud", "loud", "one of `error`, `warn`, `info`, `debug`, `trace`"),
        ("log", "level", "INFO", "INFO", "one of `error`, `warn`, `info`, `debug`, `trace`"),
        ("log", "format", "xml", "xml", "one of `text`, `json`"),
        ("probes", "exec", "maybe", "maybe", "`true` or `false`"),
        ("bpf", "stats", "1", "1", "`true` or `false`"),
        ("poll", "interval", "fast", "fast", DURATION),
        ("poll", "interval", "\"a\\nb\"", "a b", DURATION),
        ("poll", "interval", "1ms", "1ms", "a duration from `10ms` to `1h`"),
        ("poll", "interval", "2h", "2h", "a duration from `10ms` to `1h`"),
        ("poll", "max_age", "-1s", "-1s", DURATION),
        ("retention", "grace", "5", "5", DURATION),
        ("maps", "counts", "0", "0", "a number from `1` to `16777216`"),
        ("maps", "edges", "16777217", "16777217", "a number from `1` to `16777216`"),
        ("maps", "edges", "-1", "-1", "a number from `1` to `16777216`"),
        ("maps", "edges", "1.5", "1.5", "a number from `1` to `16777216`"),
        ("identity", "labels", "[pod, node]", "node", &format!("a list of {LABELS}")),
        ("identity", "labels", "[pod, pod]", "pod", "each label once"),
        ("identity", "labels", "[]", "[]", &format!("at least one of {LABELS}")),
        ("identity", "unit", "maybe", "maybe", "`true` or `false`"),
        ("limits", "series_per_family", "-1", "-1", "a number, `0` for no limit"),
        ("limits", "series_per_container", "none", "none", "a number, `0` for no limit"),
        ("metrics", "created", "now", "now", "`true` or `false`"),
        ("identity", "container_labels", "['']", "", "the name of a container's label"),
        (
            "identity",
            "container_labels",
            "[a.b, a-b]",
            "a-b",
            "names that differ as metric labels: `a.b` is `container_label_a_b` too",
        ),
        ("identity", "host_root", "host", "host", "an absolute path"),
        ("identity", "docker_root", "var/lib", "var/lib", "an absolute path"),
        ("bpf", "pin_path", "doubleslit", "doubleslit", "an absolute path"),
        (
            "bpf",
            "pin_path",
            "/sys/fs/bpf/a.b",
            "/sys/fs/bpf/a.b",
            "an absolute path of a directory without a dot in its name",
        ),
    ] {
        assert_eq!(
            from_file(&format!("{section}:\n  {key}: {written}\n")),
            Err(format!("invalid value `{shown}` for `{section}.{key}`: expected {expected}"))
        );
    }
}

#[test]
fn variables_are_refused() {
    let all = "`DOUBLESLIT_API__ENABLED`, `DOUBLESLIT_API__LISTEN_ADDRESS`, `DOUBLESLIT_API__SOCKET`, \
        `DOUBLESLIT_API__TOKEN_FILE`, `DOUBLESLIT_BPF__PIN`, `DOUBLESLIT_BPF__PIN_PATH`, `DOUBLESLIT_BPF__STATS`, `DOUBLESLIT_EVENTS__ARGUMENTS__BYTES`, `DOUBLESLIT_EVENTS__ARGUMENTS__ENABLED`, \
        `DOUBLESLIT_EVENTS__ARGUMENTS__REDACT`, `DOUBLESLIT_EVENTS__PROFILE`, `DOUBLESLIT_EVENTS__RING_BYTES`, \
        `DOUBLESLIT_EVENTS__SYSCALLS`, `DOUBLESLIT_EVENTS__WORKING_DIRECTORY`, \
        `DOUBLESLIT_IDENTITY__CONTAINER_LABELS`, `DOUBLESLIT_IDENTITY__DOCKER_ROOT`, \
        `DOUBLESLIT_IDENTITY__EXTRA_LABELS`, `DOUBLESLIT_IDENTITY__HOST_ROOT`, `DOUBLESLIT_IDENTITY__LABELS`, \
        `DOUBLESLIT_IDENTITY__SOCKETS__CONTAINERD`, `DOUBLESLIT_IDENTITY__SOCKETS__CRI`, \
        `DOUBLESLIT_IDENTITY__SOCKETS__DOCKER`, `DOUBLESLIT_IDENTITY__UNIT`, \
        `DOUBLESLIT_LIMITS__SERIES_PER_CONTAINER`, `DOUBLESLIT_LIMITS__SERIES_PER_FAMILY`, `DOUBLESLIT_LOG__FORMAT`, \
        `DOUBLESLIT_LOG__LEVEL`, `DOUBLESLIT_MAPS__COUNTS`, `DOUBLESLIT_MAPS__EDGES`, `DOUBLESLIT_MAPS__HITS`, `DOUBLESLIT_METRICS__CREATED`, \
        `DOUBLESLIT_OTLP__CERTIFICATE`, `DOUBLESLIT_OTLP__CLIENT_CERTIFICATE`, `DOUBLESLIT_OTLP__CLIENT_KEY`, \
        `DOUBLESLIT_OTLP__COMPRESSION`, `DOUBLESLIT_OTLP__ENDPOINT`, `DOUBLESLIT_OTLP__HEADERS`, \
        `DOUBLESLIT_OTLP__IDENTITY`, `DOUBLESLIT_OTLP__INSECURE`, `DOUBLESLIT_OTLP__LOGS__BATCH`, \
        `DOUBLESLIT_OTLP__LOGS__DIRECTORY`, `DOUBLESLIT_OTLP__LOGS__DIRECTORY_BYTES`, \
        `DOUBLESLIT_OTLP__LOGS__ENABLED`, `DOUBLESLIT_OTLP__LOGS__GIVE_UP`, `DOUBLESLIT_OTLP__LOGS__LINGER`, \
        `DOUBLESLIT_OTLP__LOGS__QUEUE_BYTES`, `DOUBLESLIT_OTLP__LOGS__QUEUE_RECORDS`, \
        `DOUBLESLIT_OTLP__METRICS__ENABLED`, `DOUBLESLIT_OTLP__METRICS__INTERVAL`, `DOUBLESLIT_OTLP__PROTOCOL`, \
        `DOUBLESLIT_OTLP__RESOURCE_ATTRIBUTES`, `DOUBLESLIT_OTLP__SHUTDOWN`, `DOUBLESLIT_OTLP__TIMEOUT`, \
        `DOUBLESLIT_POLL__INTERVAL`, `DOUBLESLIT_POLL__MAX_AGE`, `DOUBLESLIT_PRIVILEGES__DROP`, \
        `DOUBLESLIT_PRIVILEGES__LANDLOCK`, `DOUBLESLIT_PRIVILEGES__SECCOMP`, `DOUBLESLIT_PROBES__CONTAINER`, \
        `DOUBLESLIT_PROBES__EXEC`, `DOUBLESLIT_PROBES__EXIT`, `DOUBLESLIT_PROBES__FORK`, `DOUBLESLIT_PROBES__OOM`, \
        `DOUBLESLIT_PROBES__SIGNAL`, `DOUBLESLIT_PROBES__SOCKET_STATE`, `DOUBLESLIT_PROBES__SYSCALL`, \
        `DOUBLESLIT_PROBES__TCP`, `DOUBLESLIT_RETENTION__GRACE`, `DOUBLESLIT_SYSCALLS__CALLS`, \
        `DOUBLESLIT_SYSCALLS__HISTOGRAMS`, `DOUBLESLIT_SYSCALLS__TIME`, \
        `DOUBLESLIT_WEB__ALLOWED_HOSTS`, `DOUBLESLIT_WEB__CONFIG_FILE`, `DOUBLESLIT_WEB__LIMITS__API_STREAMS`, \
        `DOUBLESLIT_WEB__LIMITS__BODY_TIME`, `DOUBLESLIT_WEB__LIMITS__CONNECTIONS`, \
        `DOUBLESLIT_WEB__LIMITS__HANDSHAKE_TIME`, `DOUBLESLIT_WEB__LIMITS__HEADER_BYTES`, \
        `DOUBLESLIT_WEB__LIMITS__HEADER_TIME`, `DOUBLESLIT_WEB__LIMITS__IDLE_TIME`, \
        `DOUBLESLIT_WEB__LIMITS__PAGE_STREAMS`, `DOUBLESLIT_WEB__LIMITS__STALL_TIME`, `DOUBLESLIT_WEB__LISTEN_ADDRESS`, \
        `DOUBLESLIT_WEB__LIVE_EVENTS`, `DOUBLESLIT_WEB__SYSTEMD_SOCKET`, `DOUBLESLIT_WEB__TELEMETRY_PATH`";
    for name in
        ["DOUBLESLIT_HOME", "DOUBLESLIT_LOG_LEVEL", "DOUBLESLIT_log__level", "DOUBLESLIT_WEB__PORT", "DOUBLESLIT_"]
    {
        assert_eq!(
            with("", &[(name, "x")], &Flags::default()),
            Err(format!("unknown environment variable `{name}`: expected one of {all}"))
        );
    }
    assert_eq!(
        with("", &[("DOUBLESLIT_LOG__LEVEL", "loud")], &Flags::default()),
        Err("invalid value `loud` for `log.level`: expected one of `error`, `warn`, `info`, `debug`, `trace`"
            .to_owned())
    );
}

#[test]
fn system_calls_are_names_and_patterns() {
    let chosen = |list: &str| from_file(&format!("syscalls: {{calls: {list}}}")).map(|config| config.syscalls.calls);
    let calls = |names: &[&str]| {
        let mut calls = Calls::default();
        assert!(calls.add(|name| names.contains(&name)));
        calls
    };
    assert_eq!(chosen("[openat, exit_gr*]"), Ok(calls(&["openat", "exit_group"])));
    assert_eq!(chosen("[compat, \"*\"]"), Ok(Calls::all()));
    let mistake = chosen("[openat, opennat]").expect_err("there is no such call");
    assert!(
        mistake.starts_with("invalid value `opennat` for `syscalls.calls`: expected a system call of this machine, a name such as `openat`"),
        "{mistake}"
    );
    assert_eq!(
        chosen("[]"),
        Err("invalid value `[]` for `syscalls.calls`: expected at least one name; `probes.syscall: false` counts none"
            .to_owned())
    );
}

#[test]
fn histograms_are_of_calls_that_count() {
    let settings = |written: &str| from_file(&format!("syscalls: {{{written}}}")).map(|config| config.syscalls);
    let none = settings("time: true").expect("valid");
    assert!(none.time && !none.calls.have_histograms());
    let some = settings("calls: [read, openat], histograms: [\"open*\"]").expect("valid");
    assert!(some.time, "a histogram is one of times");
    let mut expected = Calls::default();
    assert!(expected.add(|name| name == "openat"));
    let mut openat = expected.clone();
    assert!(expected.add(|name| name == "read") && expected.add_histograms(&openat));
    assert_eq!(some.calls, expected);
    assert!(openat.add_histograms(&Calls::all()));
    assert_eq!(settings("calls: [openat], histograms: [all]").map(|settings| settings.calls), Ok(openat));
    let mistake = settings("histograms: [opennat]").expect_err("there is no such call");
    assert!(
        mistake.starts_with("invalid value `opennat` for `syscalls.histograms`: expected a system call"),
        "{mistake}"
    );
    assert_eq!(
        settings("calls: [openat], histograms: [openat, \"read*\"]"),
        Err("invalid value `read*` for `syscalls.histograms`: expected a call that is counted: one that `syscalls.calls` names too"
            .to_owned())
    );
}

#[test]
fn system_calls_are_sent_where_they_are_named() {
    let events = |written: &str| from_file(&format!("events: {{{written}}}")).map(|config| config.events);
    let (none, some) = (events("syscalls: []").expect("valid"), events("syscalls: [getpid]").expect("valid"));
    assert_eq!((none.kinds.contains(&Kind::Syscall), none.calls), (false, Calls::default()));
    assert_eq!((some.kinds.len(), some.kinds.contains(&Kind::Syscall)), (none.kinds.len() + 1, true));
    let profile = events("profile: signals-only, syscalls: [all]").expect("valid");
    assert_eq!(profile.kinds, [Kind::SignalGenerate, Kind::SignalDeliver, Kind::Syscall]);
    assert_eq!(profile.calls, Calls::all());
    let mistake = events("syscalls: [getpidd]").expect_err("there is no such call");
    assert!(mistake.starts_with("invalid value `getpidd` for `events.syscalls`: expected a system call"), "{mistake}");
}

#[test]
fn whose_system_calls_count() {
    let of = |rules: &str| from_file(&format!("syscalls: {{{rules}}}")).map(|config| config.syscalls.of);
    let rule = WrittenRule::parse("container=web-*", "syscalls.select").expect("a rule");
    let expected = Owners::new(List { name: "syscalls.select", rules: vec![rule] }, List::default());
    assert_eq!(of("select: [{container: web-*}]"), Ok(expected.expect("of owners")));
    let mistake = of("drop: [{comm: sh}]").expect_err("a task's name is not its owner's");
    assert!(mistake.starts_with("no field `comm` in rule `comm=sh` of `syscalls.drop`: expected "), "{mistake}");
}

#[test]
fn sockets_are_absolute_paths() {
    let config = from_file(
        "identity: {sockets: {docker: [/run/docker.sock, /run/podman/podman.sock], cri: [/a], containerd: [/a]}}",
    )
    .expect("valid");
    assert_eq!(
        (config.identity.sockets.cri, config.identity.sockets.containerd),
        (vec!["/a".into()], vec!["/a".into()])
    );
    assert_eq!(config.identity.sockets.docker, ["/run/docker.sock", "/run/podman/podman.sock"].map(PathBuf::from));
    let refused =
        |value, expected| Err(format!("invalid value `{value}` for `identity.sockets.docker`: expected {expected}"));
    let file = |written| from_file(&format!("identity: {{sockets: {{docker: {written}}}}}"));
    assert_eq!(file("[docker.sock]"), refused("docker.sock", "an absolute path"));
    assert_eq!(file("[/a, /a]"), refused("/a", "each socket once"));
}

#[test]
fn service_links_of_kubernetes_are_no_settings() {
    let links = [
        ("DOUBLESLIT_SERVICE_HOST", "10.0.0.1"),
        ("DOUBLESLIT_SERVICE_PORT", "10435"),
        ("DOUBLESLIT_SERVICE_PORT_METRICS", "10435"),
        ("DOUBLESLIT_PORT", "tcp://10.0.0.1:10435"),
        ("DOUBLESLIT_PORT_10435_TCP", "tcp://10.0.0.1:10435"),
        ("DOUBLESLIT_PORT_10435_TCP_PROTO", "tcp"),
        ("DOUBLESLIT_METRICS_PORT_10435_TCP_ADDR", "10.0.0.1"),
    ];
    assert_eq!(with("", &links, &Flags::default()), Ok(defaults()));
}

#[test]
fn events_are_shown_where_only_this_machine_reaches_them() {
    for (addresses, live_events, expected) in [
        ("[127.0.0.1:1]", "auto", true),
        ("[127.0.0.1:1, \"[::1]:1\", localhost:2]", "auto", true),
        ("[127.0.0.1:1, 192.0.2.1:1]", "auto", false),
        ("[\":1\"]", "auto", false),
        ("[example.org:1]", "auto", false),
        ("[127.0.0.1:1]", "never", false),
        ("[\":1\"]", "always", true),
    ] {
        let written = format!("web: {{listen_address: {addresses}, live_events: {live_events}}}");
        let config = from_file(&written).expect("it makes sense");
        assert_eq!(config.web.shows_events(), expected, "{written}");
    }
}
