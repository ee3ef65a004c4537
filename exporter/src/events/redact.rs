//! Hides parts of arguments before anybody sees them.

use regex::Regex;

use super::event::Details;

/// What stands for what is hidden.
const HIDDEN: &str = "***";

/// Expressions for what is hidden in each argument of an execution.
#[derive(Clone, Debug, Default)]
pub struct Redaction(pub Vec<Regex>);

impl Redaction {
    /// Hides what these expressions match.
    pub(super) fn apply(&self, details: &mut Details) {
        let Details::Exec(exec) = details else { return };
        for argument in exec.arguments.iter_mut().flatten() {
            for expression in &self.0 {
                if expression.is_match(argument) {
                    *argument = expression.replace_all(argument, HIDDEN).into_owned();
                }
            }
        }
    }
}

impl PartialEq for Redaction {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(Regex::as_str).eq(other.0.iter().map(Regex::as_str))
    }
}

impl Eq for Redaction {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::event::Exec;

    #[test]
    fn matches_are_hidden() {
        let redaction =
            Redaction(["(?i)password=\\S+", "tok_[0-9a-f]+"].map(|text| Regex::new(text).expect("valid")).into());
        let arguments = ["run", "--Password=a b", "tok_1,tok_2", "password="].map(str::to_owned).to_vec();
        let mut details = Details::Exec(Exec { arguments: Some(arguments), ..Exec::default() });
        redaction.apply(&mut details);
        let Details::Exec(exec) = details else { panic!("it is still an execution") };
        assert_eq!(exec.arguments, Some(["run", "--*** b", "***,***", "password="].map(str::to_owned).to_vec()));
    }
}
