//! The dashboards that come with the project, as Grafana asks what is in them.

use std::{fs, path::Path};

use serde_json::Value;

/// A dashboard.
#[derive(Debug)]
pub struct Dashboard {
    /// Its file, below `dashboards`.
    pub file: String,
    /// All of it.
    pub json: Value,
}

impl Dashboard {
    /// All dashboards of the project, by their files' names.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards");
        let read = |path: &Path| {
            let text = fs::read_to_string(path).expect("a dashboard can be read");
            let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Self { file: path.file_name().expect("it has a name").to_string_lossy().into_owned(), json }
        };
        let entries = fs::read_dir(directory).expect("there are dashboards");
        let mut all: Vec<_> = entries.map(|entry| read(&entry.expect("it can be listed").path())).collect();
        all.sort_by(|one, other| one.file.cmp(&other.file));
        all
    }

    /// The panels that show something.
    pub fn panels(&self) -> impl Iterator<Item = &Value> {
        self.json["panels"].as_array().expect("a list of panels").iter().filter(|panel| panel["type"] != "row")
    }

    /// Its variables but the data source.
    pub fn variables(&self) -> impl Iterator<Item = &Value> {
        let variables = self.json["templating"]["list"].as_array().expect("a list of variables");
        variables.iter().filter(|variable| variable["type"] != "datasource")
    }

    /// The expressions of a panel, with rates over `window`, and every value for each variable.
    #[must_use]
    pub fn expressions(&self, panel: &Value, window: &str) -> Vec<String> {
        let targets = panel["targets"].as_array().expect("a list of targets");
        let expressions =
            targets.iter().map(|target| self.asked(target["expr"].as_str().expect("an expression"), window));
        expressions.collect()
    }

    /// What a variable's values are: the selector of the series that have them, and the label that they are in.
    #[must_use]
    pub fn values(&self, variable: &Value) -> (String, String) {
        let query = variable["query"]["query"].as_str().expect("a query");
        let arguments = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (selector, label) = arguments.and_then(|both| both.rsplit_once(", ")).expect("series and a label");
        (self.asked(selector, "1m"), label.to_owned())
    }

    fn asked(&self, expression: &str, window: &str) -> String {
        let mut asked = expression.replace("$__rate_interval", window).replace("$__range", window);
        for variable in self.variables() {
            asked = asked.replace(&format!("${}", variable["name"].as_str().expect("a name")), ".*");
        }
        assert!(!asked.contains('$'), "`{}` asks for what is no variable of it: `{asked}`", self.file);
        asked
    }
}
