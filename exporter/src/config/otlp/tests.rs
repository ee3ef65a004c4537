use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::*;
use crate::config::{Flags, load};

const PREFIX: &str = "OTEL_EXPORTER_OTLP_";

/// The section as understood, with variables whose names begin with [`PREFIX`] unless they begin with `OTEL_` or `DOUBLESLIT_`.
fn understood(file: &str, variables: &[(&str, &str)]) -> Result<Otlp, String> {
    let written = tempfile::NamedTempFile::new().expect("a file can be made");
    std::fs::write(written.path(), file).expect("a file can be written");
    let whole = |name: &str| {
        let is_whole = name.starts_with("OTEL_") || name.starts_with("DOUBLESLIT_");
        if is_whole { name.to_owned() } else { format!("{PREFIX}{name}") }
    };
    let variables = variables.iter().map(|(name, value)| (whole(name), (*value).to_owned()));
    load(Some(written.path()), variables, &Flags::default())
        .map(|config| config.otlp)
        .map_err(|error| error.to_string())
}

fn logs(file: &str, variables: &[(&str, &str)]) -> Logs {
    understood(file, variables).expect("valid").logs.expect("logs are sent")
}

fn address(endpoint: &Endpoint) -> String {
    let scheme = if endpoint.is_secure { "https" } else { "http" };
    format!("{scheme}://{}{}", endpoint.authority, endpoint.path)
}

#[test]
fn nothing_is_sent_without_an_endpoint() {
    let quiet = understood("", &[("PROTOCOL", "grpc"), ("ENDPOINT", ""), ("LOGS_ENDPOINT", " ")]).expect("valid");
    assert_eq!((quiet.logs, quiet.metrics), (None, None));
}

#[test]
fn defaults_are_those_of_the_standard() {
    let logs = logs("otlp: {endpoint: 'http://collector:4318'}", &[]);
    assert_eq!(
        logs,
        Logs {
            connection: Connection {
                endpoint: Endpoint {
                    is_secure: false,
                    authority: Authority::from_static("collector:4318"),
                    path: "/v1/logs".to_owned(),
                },
                protocol: Protocol::Http,
                headers: Vec::new(),
                timeout: Duration::from_secs(10),
                gzip: true,
                tls: Tls::default(),
            },
            batch: 512,
            linger: Duration::from_secs(1),
            queue: Queue { bytes: 16 << 20, records: None, directory: None },
            give_up: Some(Duration::from_secs(300)),
        }
    );
}

#[test]
fn the_standard_variables_say_all() {
    let otlp = understood(
        "otlp: {metrics: {enabled: true}}",
        &[
            ("ENDPOINT", "https://both:1/below/"),
            ("METRICS_ENDPOINT", "http://metrics:2/as/it/is"),
            ("PROTOCOL", "http/protobuf"),
            ("HEADERS", "a=1, b = two%20words "),
            ("LOGS_HEADERS", "c=3"),
            ("TIMEOUT", "1500"),
            ("METRICS_TIMEOUT", "2500"),
            ("COMPRESSION", "none"),
            ("LOGS_COMPRESSION", "gzip"),
            ("CERTIFICATE", "/ca.pem"),
            ("CLIENT_CERTIFICATE", "/me.pem"),
            ("CLIENT_KEY", "/me.key"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "250"),
            ("OTEL_BLRP_EXPORT_TIMEOUT", "60000"),
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "9"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "7"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "3000"),
        ],
    )
    .expect("valid");
    let (logs, metrics) = (otlp.logs.expect("logs are sent"), otlp.metrics.expect("metrics are sent"));
    let headers = |connection: &Connection| -> BTreeMap<String, String> {
        let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
        connection.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(address(&logs.connection.endpoint), "https://both:1/below/v1/logs");
    assert_eq!(address(&metrics.connection.endpoint), "http://metrics:2/as/it/is");
    assert_eq!(headers(&logs.connection), pairs(&[("c", "3")]));
    assert_eq!(headers(&metrics.connection), pairs(&[("a", "1"), ("b", "two words")]));
    assert_eq!((logs.connection.timeout.as_millis(), metrics.connection.timeout.as_millis()), (1500, 2500));
    assert_eq!((logs.connection.gzip, metrics.connection.gzip), (true, false));
    let tls = Tls { authority: Some("/ca.pem".into()), client: Some(("/me.pem".into(), "/me.key".into())) };
    assert_eq!((logs.connection.tls, metrics.connection.tls), (tls.clone(), tls));
    assert_eq!((logs.linger.as_millis(), logs.give_up), (250, Some(Duration::from_secs(60))));
    assert_eq!((logs.queue.records, logs.batch, metrics.interval.as_secs()), (Some(9), 7, 3));
}

#[test]
fn the_configuration_comes_before_the_standard_variables() {
    let standard = [
        ("LOGS_ENDPOINT", "http://standard:1/v1/logs"),
        ("LOGS_PROTOCOL", "http/protobuf"),
        ("LOGS_HEADERS", "a=standard"),
        ("LOGS_TIMEOUT", "1"),
        ("LOGS_COMPRESSION", "none"),
        ("LOGS_INSECURE", "true"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("DOUBLESLIT_OTLP__TIMEOUT", "9s"),
    ];
    let file = "otlp: {endpoint: 'ours:2', protocol: grpc, headers: ['a=ours, too'], timeout: 8s, compression: gzip, \
        insecure: false, logs: {batch: 2}}";
    let logs = logs(file, &standard);
    assert_eq!(address(&logs.connection.endpoint), "https://ours:2");
    assert_eq!(logs.connection.protocol, Protocol::Grpc);
    assert_eq!(logs.connection.headers, [(HeaderName::from_static("a"), HeaderValue::from_static("ours, too"))]);
    assert_eq!((logs.connection.timeout.as_secs(), logs.connection.gzip, logs.batch), (9, true, 2));
}

#[test]
fn switches() {
    let sent = |file: &str, disabled: &str| {
        let file = format!("otlp: {{endpoint: 'http://a', {file}}}");
        let otlp = understood(&file, &[("OTEL_SDK_DISABLED", disabled)]).expect("valid");
        (otlp.logs.is_some(), otlp.metrics.is_some())
    };
    assert_eq!(sent("", ""), (true, false));
    assert_eq!(sent("", "true"), (false, false));
    assert_eq!(sent("", "False"), (true, false));
    assert_eq!(sent("logs: {enabled: true}, metrics: {enabled: true}", "TRUE"), (true, true));
    assert_eq!(sent("logs: {enabled: false}", ""), (false, false));
}

#[test]
fn resource_attributes_come_from_three_places() {
    let file = "otlp: {resource_attributes: ['k8s.cluster.name=ours', 'a = b=c']}";
    let variables = [
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=general,k8s.cluster.name=x,x=%C3%BC%2C"),
        ("OTEL_SERVICE_NAME", "special"),
    ];
    let resource = understood(file, &variables).expect("valid").resource;
    let expected = [("x", "ü,"), ("service.name", "special"), ("k8s.cluster.name", "ours"), ("a", "b=c")];
    assert_eq!(resource, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn a_queue_on_disk_gives_nothing_up() {
    let file = "otlp: {endpoint: 'http://a', logs: {directory: /var/lib/doubleslit, directory_bytes: 5, give_up: 1s}}";
    let logs = logs(file, &[]);
    let directory = Some(PathBuf::from("/var/lib/doubleslit"));
    assert_eq!((logs.queue, logs.give_up), (Queue { bytes: 5, records: None, directory }, None));
}

#[test]
fn values_are_refused_where_they_were_written() {
    const ADDRESS: &str = "an address such as `http://collector:4318`, or `collector:4317` for gRPC";
    let on = [("ENDPOINT", "http://a")];
    let with = |name: &'static str, value: &'static str| understood("", &[on[0], (name, value)]).map(drop);
    let refused = |key: &str, value: &str, expected: &str| {
        let key = if key.starts_with("OTEL_") || key.starts_with("otlp.") {
            key.to_owned()
        } else {
            format!("{PREFIX}{key}")
        };
        Err(format!("invalid value `{value}` for `{key}`: expected {expected}"))
    };
    for (name, value, expected) in [
        ("LOGS_ENDPOINT", "collector:4318", ADDRESS),
        ("LOGS_ENDPOINT", "ftp://collector", ADDRESS),
        ("LOGS_ENDPOINT", "http://", ADDRESS),
        ("PROTOCOL", "http/json", "one of `grpc`, `http/protobuf`"),
        ("TIMEOUT", "10s", "a number of milliseconds"),
        ("TIMEOUT", "0", "more than no time"),
        ("COMPRESSION", "zstd", "one of `gzip`, `none`"),
        ("INSECURE", "1", "`true` or `false`"),
        ("HEADERS", "a", "pairs such as `name=value,other=value`"),
        ("HEADERS", "a=%2", "pairs such as `name=value,other=value`"),
        ("HEADERS", "ä=b", "headers such as `authorization=Bearer%20…`"),
        ("CLIENT_KEY", "/me.key", "`otlp.client_certificate` beside it"),
        ("OTEL_SDK_DISABLED", "yes", "`true` or `false`"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "0", "a number from `1` on"),
    ] {
        assert_eq!(with(name, value), refused(name, value, expected));
    }
    for (section, key, value, expected) in [
        ("endpoint: a:1", "otlp.endpoint", "a:1", ADDRESS),
        ("timeout: 5", "otlp.timeout", "5", "a duration such as `500ms`, `1s` or `5m`"),
        ("identity: both", "otlp.identity", "both", "one of `attributes`, `resource`"),
        ("resource_attributes: ['=a']", "otlp.resource_attributes", "=a", "pairs such as `name=value`"),
        ("client_certificate: /me.pem", "otlp.client_certificate", "/me.pem", "`otlp.client_key` beside it"),
        ("logs: {batch: 0}", "otlp.logs.batch", "0", "a number from `1` on"),
        ("logs: {directory: here}", "otlp.logs.directory", "here", "an absolute path"),
        ("logs: {enabled: 1}", "otlp.logs.enabled", "1", "`true` or `false`"),
    ] {
        assert_eq!(understood(&format!("otlp: {{{section}}}"), &on).map(drop), refused(key, value, expected));
    }
}

#[test]
fn secrets_stay_out_of_what_is_printed() {
    let logs = logs("otlp: {endpoint: 'http://a', headers: ['authorization=Bearer hidden']}", &[]);
    assert!(!format!("{logs:?}").contains("hidden"));
}
