//! Hides parts of arguments before anybody sees them.

use regex::Regex;

use super::event::Details;

/// What stands for what is hidden.
const HIDDEN: &str = "***";

/// Expressions for what is hidden in each argument of an execution or a system call.
#[derive(Clone, Debug, Default)]
pub struct Redaction(pub Vec<Regex>);

impl Redaction {
    /// Hides what these expressions match.
    pub(super) fn apply(&self, details: &mut Details) {
        match details {
            Details::Exec(exec) => exec.arguments.iter_mut().flatten().for_each(|argument| self.hide(argument)),
            Details::Syscall(syscall) => {
                for argument in &mut syscall.arguments {
                    argument.value.for_texts(&mut |text| self.hide(text));
                }
            }
            _ => {}
        }
    }

    fn hide(&self, text: &mut String) {
        for expression in &self.0 {
            if expression.is_match(text) {
                *text = expression.replace_all(text, HIDDEN).into_owned();
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
    use crate::events::{event::Exec, syscalls::Decoded};

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

    #[test]
    fn matches_in_system_calls_are_hidden() {
        let mut value = Decoded::Fields(vec![
            ("path", Decoded::Text("/run/tok_1".to_owned())),
            ("argv", Decoded::Texts(vec!["tok_2".to_owned(), "run".to_owned()])),
            ("size", Decoded::Number(3)),
        ]);
        let redaction = Redaction(vec![Regex::new("tok_[0-9]").expect("valid")]);
        value.for_texts(&mut |text| redaction.hide(text));
        let hidden = vec![
            ("path", Decoded::Text("/run/***".to_owned())),
            ("argv", Decoded::Texts(vec!["***".to_owned(), "run".to_owned()])),
            ("size", Decoded::Number(3)),
        ];
        assert_eq!(value, Decoded::Fields(hidden));
    }
}
