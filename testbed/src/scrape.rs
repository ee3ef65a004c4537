//! What `/metrics` said (text format 0.0.4), and what changed between two times.

use std::{collections::BTreeMap, fmt};

/// Names and values of labels.
pub type Labels = BTreeMap<String, String>;

/// Labels that say whose a row is.
const IDENTITY: [&str; 4] = ["namespace", "pod", "container", "container_id"];

/// A series: name and labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The sample's name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
}

/// All series of one answer, with their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrape(pub BTreeMap<Series, f64>);

impl Scrape {
    /// Reads a text. Panics if it is not one, or tells a series twice.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut samples = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (series, value) = sample(line).unwrap_or_else(|| panic!("not a sample: {line}"));
            assert!(samples.insert(series, value).is_none(), "a series comes twice: {line}");
        }
        Self(samples)
    }

    /// The series with this name and at least these labels.
    pub fn matching<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&str, &str)],
    ) -> impl Iterator<Item = (&'a Series, f64)> {
        self.0
            .iter()
            .filter(move |(series, _)| series.name == name && series.has(labels))
            .map(|(series, value)| (series, *value))
    }

    /// The value of the one series with this name and at least these labels; nothing if there is none.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut matching = self.matching(name, labels);
        let value = matching.next().map(|(_, value)| value);
        assert!(matching.next().is_none(), "more than one series `{name}` has {labels:?}");
        value
    }

    /// The sum of all series with this name and at least these labels.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        // Folded from +0: the sum of an empty iterator of floats is -0.
        self.matching(name, labels).fold(0.0, |sum, (_, value)| sum + value)
    }

    /// By how much each series has changed since an earlier answer. A series that was not there was 0; those that did
    /// not change are left out, those that are gone too.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let change = |(series, value): (&Series, &f64)| {
            let difference = value - earlier.0.get(series).unwrap_or(&0.0);
            (difference != 0.0).then(|| (series.clone(), difference))
        };
        Self(self.0.iter().filter_map(change).collect())
    }

    /// The series that have these labels, the identity's labels left out, as lines: what a container's rows say in full.
    /// Series that become the same by this are added up.
    #[must_use]
    pub fn rows(&self, labels: &[(&str, &str)]) -> Rows {
        let mut rows = BTreeMap::new();
        for (series, value) in self.0.iter().filter(|(series, _)| series.has(labels)) {
            let mut line = series.name.strip_prefix("doubleslit_").unwrap_or(&series.name).to_owned();
            line.truncate(line.strip_suffix("_total").map_or(line.len(), str::len));
            for (label, value) in series.labels.iter().filter(|(label, _)| !IDENTITY.contains(&label.as_str())) {
                line += &format!(" {label}={value}");
            }
            *rows.entry(line).or_insert(0.0) += value;
        }
        Rows(rows)
    }
}

impl Series {
    fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(label, value)| self.labels.get(*label).map_or("", String::as_str) == *value)
    }
}

/// The series of a histogram, out of what is in each bucket, and the bounds of all but the last one.
#[must_use]
pub fn histogram(name: &str, labels: &Labels, counts: &[u64], bounds: &[f64], sum: f64) -> Vec<(Series, f64)> {
    assert_eq!(counts.len(), bounds.len() + 1, "the last bucket has no bound");
    let of = |suffix: &str, labels: Labels| Series { name: format!("{name}_{suffix}"), labels };
    let mut series = vec![(of("sum", labels.clone()), sum)];
    let mut within = 0;
    for (count, bound) in counts.iter().zip(bounds.iter().copied().chain([f64::INFINITY])) {
        within += count;
        let labels = labels.iter().map(|(name, value)| (name.clone(), value.clone()));
        series.push((of("bucket", labels.chain([("le".to_owned(), bound_label(bound))]).collect()), within as f64));
    }
    series.push((of("count", labels.clone()), within as f64));
    series
}

/// A bound of a bucket as the label `le` has it: always with a point, and never with an exponent.
#[must_use]
pub fn bound_label(bound: f64) -> String {
    match bound {
        f64::INFINITY => "+Inf".to_owned(),
        whole if whole.fract() == 0.0 => format!("{whole:.1}"),
        part => part.to_string(),
    }
}

/// Rows without identity: `process_exits outcome=success` and a value. Prints one a line.
#[derive(Clone, PartialEq)]
pub struct Rows(pub BTreeMap<String, f64>);

impl Rows {
    /// What is expected: rows and their values; those with value 0 are left out.
    #[must_use]
    pub fn of<'a>(rows: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let rows = rows.into_iter().filter(|(_, value)| *value != 0);
        Self(rows.map(|(row, value)| (row.to_owned(), value as f64)).collect())
    }

    /// Expects a further row, unless its value is 0.
    pub fn add(&mut self, row: &str, value: u64) {
        if value != 0 {
            *self.0.entry(row.to_owned()).or_insert(0.0) += value as f64;
        }
    }

    /// The rows whose line begins with one of these.
    #[must_use]
    pub fn only(&self, beginnings: &[&str]) -> Self {
        let kept = |line: &str| beginnings.iter().any(|beginning| line.starts_with(beginning));
        Self(self.0.iter().filter(|(line, _)| kept(line)).map(|(line, value)| (line.clone(), *value)).collect())
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(row, value)| write!(formatter, "\n    {row}: {value}"))?;
        formatter.write_str(if self.0.is_empty() { "nothing" } else { "\n" })
    }
}

/// A line as series and value.
fn sample(line: &str) -> Option<(Series, f64)> {
    let name_end = line.find(['{', ' '])?;
    let mut labels = Labels::new();
    let mut rest = &line[name_end..];
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, behind) = rest.split_once("=\"")?;
            let (value, behind) = quoted(behind)?;
            labels.insert(label.to_owned(), value);
            rest = behind.strip_prefix(',').unwrap_or(behind);
        }
        rest = &rest[1..];
    }
    let value = rest.trim().split(' ').next()?.parse().ok()?;
    Some((Series { name: line[..name_end].to_owned(), labels }, value))
}

/// A label's value up to its closing quotation mark, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    loop {
        match characters.next()? {
            (end, '"') => return Some((value, &text[end + 1..])),
            (_, '\\') => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            (_, character) => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP a_total As.
# TYPE a_total counter
a_total{container_id="1",kind="x"} 3
a_total{container_id="1",kind="y\"}\\\n"} 4
a_total{container_id="2",kind="x"} 5e3
b 1.5
"#;

    #[test]
    fn parses_and_adds_up() {
        let scrape = Scrape::parse(TEXT);
        assert_eq!(scrape.sum("a_total", &[("container_id", "1")]), 7.0);
        assert_eq!(scrape.value("a_total", &[("kind", "y\"}\\\n")]), Some(4.0));
        assert_eq!(scrape.value("a_total", &[("container_id", "3")]), None);
        assert_eq!(scrape.sum("a_total", &[]), 5007.0);
        assert_eq!(scrape.value("b", &[]), Some(1.5));
    }

    #[test]
    fn changes() {
        let changed = TEXT.replace("5e3", "5001") + "c{container_id=\"2\"} 7\n";
        let change = Scrape::parse(&changed).since(&Scrape::parse(TEXT));
        assert_eq!(change.rows(&[("container_id", "2")]), Rows::of([("a kind=x", 1), ("c", 7)]));
        assert_eq!(change.rows(&[("container_id", "1")]), Rows::of([]));
    }

    #[test]
    fn histograms_add_up() {
        let text = "a_sum{b=\"c\"} 2.5\na_count{b=\"c\"} 6\n\
            a_bucket{le=\"0.0000025\",b=\"c\"} 1\na_bucket{le=\"1.0\",b=\"c\"} 3\na_bucket{le=\"+Inf\",b=\"c\"} 6\n";
        let labels = [("b".to_owned(), "c".to_owned())].into();
        let series = histogram("a", &labels, &[1, 2, 3], &[2.5e-6, 1.0], 2.5);
        assert_eq!(Scrape(series.into_iter().collect()), Scrape::parse(text));
    }

    #[test]
    #[should_panic(expected = "a series comes twice")]
    fn a_series_must_be_unique() {
        drop(Scrape::parse("a 1\na 2\n"));
    }
}
