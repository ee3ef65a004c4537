//! `doubleslit trace create`.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use http::Method;
use serde_json::{Map, Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    client::{self, Client},
    tail::{self, Form},
};
use crate::{
    api::TRACES,
    cli::{
        Failure,
        output::{self, Output},
    },
    filter::WrittenRule,
    traces::{LabelSelector, Spec},
};

const AFTER_HELP: &str = "\
The name of the trace is printed. A file has the fields `name` and `spec` of the API, or the fields of one trace of the \
configuration; docs/traces.md tells them.

Examples:
  doubleslit trace create --event exec --container 'web-*' --duration 5m
  doubleslit trace create --syscall 'open*,close' --container web --tail
  doubleslit trace create --name kills --event signal --select signal=SIGKILL
  doubleslit trace create -f trace.yaml --tail";

/// The flags of `trace create`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Name of the trace; one is drawn unless given
    #[arg(long)]
    name: Option<String>,

    /// Names of containers, in which `*` stands for any text
    #[arg(long = "container", value_name = "PATTERN")]
    containers: Vec<String>,

    /// Namespace of pods
    #[arg(long, default_value_t, hide_default_value = true)]
    namespace: String,

    /// Label that containers or their pods must have, such as `app=cart`
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,

    /// Process
    #[arg(long)]
    pid: Option<u32>,

    /// Kinds of events, separated by commas
    #[arg(
        long = "event",
        value_name = "EVENT",
        value_delimiter = ',',
        required_unless_present_any = ["syscalls", "tracepoints", "file"]
    )]
    events: Vec<String>,

    /// System calls, separated by commas: names, patterns such as `open*`, or `all`
    #[arg(long = "syscall", value_name = "CALL", value_delimiter = ',')]
    syscalls: Vec<String>,

    /// Tracepoints, separated by commas: names such as `sched:sched_process_fork`, or patterns such as `block:*`
    #[arg(long = "tracepoint", value_name = "TRACEPOINT", value_delimiter = ',')]
    tracepoints: Vec<String>,

    /// Without durations of system calls, which makes the machine's other calls cheaper meanwhile
    #[arg(long, requires = "syscalls")]
    no_durations: bool,

    /// Only events that match this rule, such as `event=exec,comm=sh`, or another one of the same flag
    #[arg(long, value_name = "RULE", value_parser = rule)]
    select: Vec<WrittenRule>,

    /// No events that match this rule
    #[arg(long, value_name = "RULE", value_parser = rule)]
    drop: Vec<WrittenRule>,

    /// One in how many events
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true)]
    sample: u32,

    /// How long it runs, such as `5m`; until it is deleted unless given
    #[arg(long, value_parser = humantime::parse_duration)]
    duration: Option<Duration>,

    /// File with the trace as YAML or JSON; `-` is standard input
    #[arg(
        short,
        long,
        value_name = "PATH",
        conflicts_with_all = [
            "containers", "namespace", "labels", "pid", "events", "syscalls", "tracepoints", "no_durations", "select", "drop", "sample", "duration"
        ]
    )]
    file: Option<PathBuf>,

    /// Print its events until it ends or SIGINT or SIGTERM comes, then delete it
    #[arg(long, visible_alias = "one-shot")]
    tail: bool,

    #[command(flatten)]
    form: Form,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected a name and a value such as `app=cart`")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn rule(text: &str) -> Result<WrittenRule, String> {
    WrittenRule::parse(text, "the trace").map_err(|error| error.to_string())
}

pub(super) async fn execute(client: &Client, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let asked = arguments.asked()?;
    // From now on, so that a trace is deleted however early the signal comes.
    let listen = |kind| signal(kind).context("cannot listen to signals").map_err(Failure::Failed);
    let mut signals =
        if arguments.tail { Some((listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?)) } else { None };
    let created = client.json(Method::POST, TRACES, Some(&asked)).await?;
    let name = created["name"].as_str().unwrap_or_default();
    let Some((interrupt, terminate)) = &mut signals else {
        return match arguments.form.output {
            Output::Text => output::print(&format!("{name}\n")),
            Output::Json => output::print(&output::json(&created)?),
        };
    };
    let ended = tokio::select! {
        result = tail::print(client, name, arguments.form) => result,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    let path = client::path(name);
    let last = client.json(Method::GET, &path, None).await;
    client.json(Method::DELETE, &path, None).await?;
    ended?;
    let status = &last?["status"];
    eprintln!(
        "doubleslit: the trace `{name}` had {} events; {} were lost in the kernel, {} were read too slowly",
        status["events"], status["lost"], status["missed"]
    );
    match status["message"].as_str() {
        Some(message) if status["phase"] == "Failed" => Err(Failure::Failed(anyhow::anyhow!(message.to_owned()))),
        _ => Ok(ExitCode::SUCCESS),
    }
}

impl Arguments {
    /// What the exporter is asked for.
    fn asked(&self) -> Result<Value, Failure> {
        let mut asked = match &self.file {
            Some(path) => read(path).map_err(Failure::Usage)?,
            None => json!({ "spec": self.spec() }),
        };
        if let Some(name) = &self.name {
            asked["name"] = json!(name);
        }
        Ok(asked)
    }

    /// What the flags ask for.
    fn spec(&self) -> Spec {
        Spec {
            label_selector: LabelSelector {
                match_labels: self.labels.iter().cloned().collect(),
                ..LabelSelector::default()
            },
            containers: self.containers.clone(),
            namespace: self.namespace.clone(),
            pid: self.pid,
            events: self.events.clone(),
            syscalls: self.syscalls.clone(),
            tracepoints: self.tracepoints.clone(),
            durations: !self.no_durations,
            select: self.select.clone(),
            drop: self.drop.clone(),
            sample_rate: self.sample,
            duration: self.duration,
            ..Spec::default()
        }
    }
}

/// The trace in a file.
fn read(path: &Path) -> anyhow::Result<Value> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("reading standard input")?;
        text
    } else {
        fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))?
    };
    let tree = config::Config::builder().add_source(config::File::from_str(&text, config::FileFormat::Yaml)).build();
    let mut fields: Map<String, Value> = tree
        .and_then(config::Config::try_deserialize)
        .with_context(|| format!("parsing `{}`: expected the fields of a trace", path.display()))?;
    if !fields.contains_key("spec") {
        // As in the configuration.
        let name = fields.remove("name");
        fields =
            Map::from_iter([("name".to_owned(), name.unwrap_or_default()), ("spec".to_owned(), Value::Object(fields))]);
    }
    Ok(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command, trace};

    /// What a command line asks for.
    fn asked(words: &[&str]) -> Result<Value, String> {
        let cli = Cli::try_parse_from([&["doubleslit", "trace", "create"], words].concat());
        let Command::Trace(trace::Arguments { command: trace::Command::Create(arguments), .. }) =
            cli.map_err(|error| error.to_string())?.command
        else {
            panic!("another command: {words:?}");
        };
        arguments.asked().map_err(|error| error.to_string())
    }

    #[test]
    fn flags_ask_for_what_they_say() {
        let all = [
            "--name",
            "a",
            "--container",
            "web-*",
            "--container",
            "db",
            "--namespace",
            "shop",
            "--label",
            "app=cart",
            "--pid",
            "7",
            "--event",
            "exec,signal",
            "--event",
            "exit",
            "--syscall",
            "openat,close",
            "--no-durations",
            "--tracepoint",
            "sched:*",
            "--select",
            "comm=sh,uid=0",
            "--drop",
            "event=exec,comm=runc*",
            "--sample",
            "10",
            "--duration",
            "1m 30s",
        ];
        let expected = json!({
            "name": "a",
            "spec": {
                "labelSelector": { "matchLabels": { "app": "cart" } },
                "containers": ["web-*", "db"],
                "namespace": "shop",
                "pid": 7,
                "events": ["exec", "signal", "exit"],
                "syscalls": ["openat", "close"],
                "tracepoints": ["sched:*"],
                "durations": false,
                "select": ["comm=sh,uid=0"],
                "drop": ["comm=runc*,event=exec"],
                "sampleRate": 10,
                "duration": "1m 30s",
            },
        });
        assert_eq!(asked(&all), Ok(expected));
        let of_call = json!({ "spec": { "syscalls": ["openat"], "sampleRate": 1 } });
        assert_eq!(asked(&["--syscall", "openat"]), Ok(of_call));
        assert_eq!(asked(&["--event", "exec"]), Ok(json!({ "spec": { "events": ["exec"], "sampleRate": 1 } })));
    }

    #[test]
    fn a_file_is_like_the_api_or_like_the_configuration() {
        let of_file = |text: &str, words: &[&str]| {
            let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
            file.write_all(text.as_bytes()).expect("written");
            let path = file.path().to_str().expect("text");
            asked(&[&["-f", path], words].concat()).map_err(|error| error.replace(path, "FILE"))
        };
        let expected =
            json!({ "name": "a", "spec": { "events": ["exec"], "labelSelector": { "matchLabels": { "App": "x" } } } });
        for text in [
            "name: a\nspec:\n  events: [exec]\n  labelSelector: {matchLabels: {App: x}}\n",
            "name: a\nevents: [exec]\nlabelSelector: {matchLabels: {App: x}}\n",
            r#"{"name": "a", "spec": {"events": ["exec"], "labelSelector": {"matchLabels": {"App": "x"}}}}"#,
        ] {
            assert_eq!(of_file(text, &[]), Ok(expected.clone()), "{text}");
        }
        let unnamed = "events: [exec]\nsampleRate: 2";
        assert_eq!(
            of_file(unnamed, &["--name", "b"]),
            Ok(json!({ "name": "b", "spec": { "events": ["exec"], "sampleRate": 2 } }))
        );
        let refusal = of_file("- a", &[]).expect_err("no fields");
        assert!(refusal.starts_with("parsing `FILE`: expected the fields of a trace"), "{refusal}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (words, expected) in [
            (&[][..], "--event <EVENT>"),
            (&["--event", "exec", "--label", "app"], "expected a name and a value such as `app=cart`"),
            (&["--event", "exec", "--select", "comm"], "invalid rule `comm` in `the trace`"),
            (&["--event", "exec", "--duration", "x"], "invalid value 'x' for '--duration"),
            (&["--event", "exec", "-f", "x"], "cannot be used with"),
            (&["-f", "/nonexistent"], "reading `/nonexistent`: No such file or directory"),
        ] {
            let refusal = asked(words).expect_err("refused");
            assert!(refusal.contains(expected), "{words:?}: {refusal}");
        }
    }
}
