//! What a text shows of a command's output, and what the command prints: the same but for what differs each time.

/// How long a row of hexadecimal digits is that is an id.
const ID_DIGITS: usize = 12;

/// The lines of an output that a text shows.
#[derive(Debug)]
pub(super) struct Shown(Vec<Line>);

#[derive(Debug)]
struct Line {
    written: String,
    words: Vec<String>,
}

impl Shown {
    pub(super) fn new(lines: &[String]) -> Self {
        let line = |line: &String| Line { written: line.clone(), words: words(line) };
        Self(lines.iter().map(line).filter(|line| !line.words.is_empty()).collect())
    }

    /// The first line that is not like any line of the output. Where nothing is shown, something must be printed.
    pub(super) fn lacks(&self, printed: &str) -> Option<&str> {
        let printed: Vec<_> = printed.lines().map(words).filter(|words| !words.is_empty()).collect();
        let is_there = |line: &Line| printed.iter().any(|words| is_like(words, &line.words));
        match self.0.as_slice() {
            [] => printed.is_empty().then_some("anything"),
            lines => lines.iter().find(|line| !is_there(line)).map(|line| line.written.as_str()),
        }
    }

    /// Panics when a line is shown that is not like any line of the output.
    pub(super) fn assert_in(&self, printed: &str, what: &str) {
        if !self.0.is_empty() {
            let lacks = self.lacks(printed);
            assert_eq!(lacks, None, "{what} does not print this, but\n{printed}");
        }
    }
}

/// The words of a line: numbers, ids and units of time are alike, and what is drawn is none.
fn words(line: &str) -> Vec<String> {
    let is_drawn = |word: &&str| !word.chars().all(|c| ('▁'..='█').contains(&c));
    line.split_whitespace().filter(is_drawn).map(normal).collect()
}

fn normal(word: &str) -> String {
    let unit = word.trim_end_matches('s');
    if ["second", "minute", "hour"].contains(&unit) {
        return "TIME".to_owned();
    }
    let (mut normal, mut rest) = (String::new(), word);
    while let Some(first) = rest.chars().next() {
        let run = |is_in: fn(&char) -> bool| rest.chars().take_while(is_in).count();
        let (hex, digits) = (run(char::is_ascii_hexdigit), run(char::is_ascii_digit));
        let length = if hex >= ID_DIGITS {
            normal.push_str("ID");
            hex
        } else if digits > 0 {
            normal.push('0');
            digits
        } else {
            normal.push(first);
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    normal
}

/// Whether words are those that are shown, of which `…` stands for any text.
fn is_like(words: &[String], shown: &[String]) -> bool {
    let one = |(word, shown): (&String, &String)| match shown.split_once('…') {
        Some((start, end)) => word.len() >= start.len() + end.len() && word.starts_with(start) && word.ends_with(end),
        None => word == shown,
    };
    words.len() == shown.len() && words.iter().zip(shown).all(one)
}

#[test]
fn what_differs_each_time_is_alike() {
    let shown = |line: &str| Shown::new(&[line.to_owned()]);
    for (line, printed, is_there) in [
        ("web  7de99b5f7430  12.0  3 seconds ago ▁▂▂", "web 0123456789ab 7.5 1 minute ago", true),
        ("web /docker/7de99b5f7430…", "web /docker/0123456789abcdef0123456789abcdef", true),
        ("web exec", "db exec", false),
        ("web exec", "web exec more", false),
        ("12:00:01.120Z exec", "23:59:59.999Z exec\nother", true),
    ] {
        assert_eq!(shown(line).lacks(printed).is_none(), is_there, "{line}: {printed}");
    }
    assert_eq!(Shown::new(&[]).lacks("\n"), Some("anything"));
}
