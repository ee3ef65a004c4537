//! What stands in for Grafana where its image cannot be had. It shows nothing. It reads what is provisioned as Grafana does,
//! and refuses what Grafana would complain of or show without data: a file with keys that there are not, a dashboard without
//! a title, two with the same uid, a panel whose data source nobody provisioned.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The data sources and the dashboards that were provisioned.
#[derive(Debug)]
pub struct Grafana {
    sources: Vec<DataSource>,
    dashboards: BTreeMap<String, Value>,
}

/// A file below `datasources`. These are the keys that this project needs of those that Grafana knows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DataSources {
    api_version: u8,
    datasources: Vec<DataSource>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DataSource {
    name: String,
    uid: String,
    r#type: String,
    access: String,
    url: String,
    is_default: bool,
    #[serde(rename = "editable")]
    _editable: bool,
    #[serde(rename = "jsonData")]
    _json_data: BTreeMap<String, String>,
}

/// A file below `dashboards`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Providers {
    api_version: u8,
    providers: Vec<Provider>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Provider {
    name: String,
    r#type: String,
    #[serde(rename = "disableDeletion")]
    _disable_deletion: bool,
    options: ProviderOptions,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderOptions {
    path: PathBuf,
}

impl Grafana {
    /// Reads a directory of provisioning.
    pub fn provisioned(directory: &Path) -> Result<Self> {
        let mut grafana = Self { sources: Vec::new(), dashboards: BTreeMap::new() };
        for path in files(&directory.join("datasources"), "yml")? {
            let file: DataSources = yaml(&path)?;
            ensure!(file.api_version == 1, "`{}` is not of version 1", path.display());
            grafana.sources.extend(file.datasources);
        }
        grafana.check_sources()?;
        for path in files(&directory.join("dashboards"), "yml")? {
            let file: Providers = yaml(&path)?;
            ensure!(file.api_version == 1, "`{}` is not of version 1", path.display());
            for provider in file.providers {
                ensure!(provider.r#type == "file", "`{}` provides no files", provider.name);
                for path in files(&provider.options.path, "json")? {
                    grafana.add(&path).with_context(|| format!("cannot provision `{}`", path.display()))?;
                }
            }
        }
        Ok(grafana)
    }

    fn check_sources(&self) -> Result<()> {
        let mut uids = BTreeMap::new();
        for source in &self.sources {
            let DataSource { name, uid, access, url, .. } = source;
            ensure!(["proxy", "direct"].contains(&access.as_str()), "`{name}` has an access of `{access}`");
            ensure!(url.starts_with("http://") || url.starts_with("https://"), "`{name}` is at `{url}`");
            ensure!(!uid.is_empty() && uids.insert(uid, name).is_none(), "the uid of `{name}` is not its own");
        }
        ensure!(self.sources.iter().filter(|source| source.is_default).count() == 1, "one data source is the default");
        Ok(())
    }

    fn add(&mut self, path: &Path) -> Result<()> {
        let dashboard: Value = serde_json::from_slice(&fs::read(path)?)?;
        let [title, uid] = ["title", "uid"].map(|key| dashboard[key].as_str().unwrap_or_default().to_owned());
        ensure!(!title.is_empty(), "no title");
        ensure!(!uid.is_empty() && uid.len() <= 40, "`{uid}` is no uid");
        ensure!(
            dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 36),
            "no schema of Grafana 9 to 12"
        );
        let panels = dashboard["panels"].as_array().context("no panels")?;
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            self.check_source(&dashboard, &panel["datasource"])
                .with_context(|| format!("panel `{}`", panel["title"]))?;
        }
        ensure!(!self.dashboards.values().any(|other| other["title"] == title.as_str()), "another one has its title");
        ensure!(self.dashboards.insert(uid, dashboard).is_none(), "another one has its uid");
        Ok(())
    }

    /// Checks that what a panel asks is there: by its uid, or by a variable of the dashboard that chooses among a type.
    fn check_source(&self, dashboard: &Value, asked: &Value) -> Result<()> {
        let (kind, uid) = (asked["type"].as_str().context("no type")?, asked["uid"].as_str().context("no uid")?);
        let variable = uid.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let found = match variable {
            Some(name) => {
                let variables = dashboard["templating"]["list"].as_array().context("no variables")?;
                let is_it = |variable: &&Value| variable["name"] == name && variable["type"] == "datasource";
                let chosen = variables.iter().find(is_it).with_context(|| format!("no variable `{name}`"))?;
                chosen["query"] == kind && self.sources.iter().any(|source| source.r#type == kind)
            }
            None => self.sources.iter().any(|source| source.uid == uid && source.r#type == kind),
        };
        if !found {
            bail!("no data source `{uid}` of type `{kind}`");
        }
        Ok(())
    }

    /// Answers health, metrics and the search for dashboards, until the listener fails.
    pub fn serve(self, listener: &TcpListener) -> io::Result<()> {
        thread::scope(|scope| {
            for stream in listener.incoming() {
                let stream = stream?;
                // Who goes away before the answer is there does not want it.
                scope.spawn(|| drop(self.answer(stream)));
            }
            Ok(())
        })
    }

    fn answer(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut request = String::new();
        stream.read_line(&mut request)?;
        let mut line = String::new();
        while stream.read_line(&mut line)? > "\r\n".len() {
            line.clear();
        }
        let path = request.split([' ', '?']).nth(1).unwrap_or_default();
        let (status, kind, body) = match path {
            "/api/health" => ("200 OK", "application/json", json!({"database": "ok"}).to_string()),
            "/api/search" => ("200 OK", "application/json", self.found().to_string()),
            "/metrics" => {
                let count = format!(
                    "# TYPE grafana_stat_totals_dashboard gauge\ngrafana_stat_totals_dashboard {}\n",
                    self.dashboards.len()
                );
                ("200 OK", "text/plain; version=0.0.4", count)
            }
            _ => ("404 Not Found", "text/plain", String::new()),
        };
        let length = body.len();
        write!(
            stream.get_mut(),
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }

    fn found(&self) -> Value {
        let entry = |(uid, dashboard): (&String, &Value)| json!({"uid": uid, "title": dashboard["title"], "type": "dash-db", "tags": dashboard["tags"]});
        self.dashboards.iter().map(entry).collect()
    }
}

/// The files of a directory with an extension, in order.
fn files(directory: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let list = || fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = list().with_context(|| format!("cannot list `{}`", directory.display()))?;
    paths.retain(|path| path.extension().is_some_and(|other| other == extension));
    ensure!(!paths.is_empty(), "no file of `{}` ends in `.{extension}`", directory.display());
    paths.sort();
    Ok(paths)
}

fn yaml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let source = config::File::from(path).format(config::FileFormat::Yaml);
    let parsed = config::Config::builder().add_source(source).build().and_then(config::Config::try_deserialize);
    parsed.with_context(|| format!("cannot read `{}`", path.display()))
}
