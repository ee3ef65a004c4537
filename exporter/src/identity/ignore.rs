//! Which containers and pods are left out.

use super::{Identity, Scope, labels::brought};

/// A text in which `*` stands for any text, the empty one included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// The pattern in a text; nothing for one that is empty, or has characters that mean more than themselves to other matchers.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains(['?', '[', ']', '{', '}', '\\'])).then(|| Self(text.to_owned()))
    }

    /// Whether a text is like this. What is empty is not known, and like nothing.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        let Some((first, rest)) = self.0.split_once('*') else { return self.0 == text };
        let Some(mut left) = text.strip_prefix(first) else { return false };
        let mut parts = rest.split('*').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return left.ends_with(part);
            }
            // The earliest place leaves the most for what follows.
            let Some(at) = left.find(part) else { return false };
            left = &left[at + part.len()..];
        }
        true
    }
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// The container's name.
    Container,
    /// The image as the container's creator named it.
    Image,
    /// The pod's namespace.
    Namespace,
    /// The pod.
    Pod,
    /// A label of the container, else of its pod.
    Label(String),
}

/// A rule: all its conditions must hold. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(pub Vec<(Field, Pattern)>);

/// The rules: one that holds is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignore(pub Vec<Rule>);

impl Ignore {
    /// Whether an owner is left out. The host never is.
    #[must_use]
    pub fn matches(&self, identity: &Identity) -> bool {
        let holds = |(field, pattern): &(Field, Pattern)| pattern.matches(field.value(identity));
        matches!(identity.scope, Scope::Container | Scope::Pod)
            && self.0.iter().any(|Rule(conditions)| !conditions.is_empty() && conditions.iter().all(holds))
    }
}

impl Field {
    fn value<'a>(&self, identity: &'a Identity) -> &'a str {
        match self {
            Self::Container => &identity.container,
            Self::Image => &identity.image,
            Self::Namespace => &identity.namespace,
            Self::Pod => &identity.pod,
            Self::Label(key) => brought(identity, key).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).expect("a pattern")
    }

    #[test]
    fn patterns() {
        for (text, like, unlike) in [
            ("web", &["web"][..], &["", "webs", "aweb", "WEB"][..]),
            ("*", &["a", "a/b"], &[""]),
            ("load-*", &["load-", "load-1"], &["load", "xload-1"]),
            ("*-load", &["a-load", "-load", "-load-load"], &["a-loads"]),
            ("*/busybox:*", &["x/busybox:1", "a/b/busybox:"], &["busybox:1", "x/busybox"]),
            ("a*b*a", &["aba", "axbxa", "abbaba"], &["ab", "aa", "abab"]),
            ("aa*aa", &["aaaa", "aa-aa"], &["aaa"]),
            ("a**b", &["ab", "axb"], &["a"]),
            ("ä*", &["ä", "äx"], &["a"]),
        ] {
            like.iter().for_each(|name| assert!(pattern(text).matches(name), "{text} {name}"));
            unlike.iter().for_each(|name| assert!(!pattern(text).matches(name), "{text} {name}"));
        }
    }

    #[test]
    fn patterns_that_other_matchers_read_differently() {
        for text in ["", "a?", "[ab]", "{a,b}", "a\\*"] {
            assert_eq!(Pattern::new(text), None, "{text}");
        }
    }

    #[test]
    fn one_rule_is_enough_and_takes_all_its_conditions() {
        let label = Field::Label("doubleslit.io/ignore".to_owned());
        let ignore = Ignore(vec![
            Rule(vec![(Field::Namespace, pattern("batch")), (Field::Container, pattern("load-*"))]),
            Rule(vec![(label, pattern("true"))]),
        ]);
        let owner = |namespace: &str, container: &str| Identity {
            scope: Scope::Container,
            namespace: namespace.to_owned(),
            container: container.to_owned(),
            ..Identity::default()
        };
        assert!(ignore.matches(&owner("batch", "load-1")));
        assert!(!ignore.matches(&owner("batch", "web")));
        assert!(!ignore.matches(&owner("", "load-1")));
        assert!(!ignore.matches(&Identity { scope: Scope::Host, ..owner("batch", "load-1") }));

        let mut labelled = owner("shop", "web");
        labelled.pod_labels.insert("doubleslit.io/ignore".to_owned(), "true".to_owned());
        assert!(ignore.matches(&labelled));
        assert!(ignore.matches(&Identity { scope: Scope::Pod, ..labelled.clone() }));
        // The container's own label is before its pod's.
        labelled.container_labels.insert("doubleslit.io/ignore".to_owned(), "false".to_owned());
        assert!(!ignore.matches(&labelled));
        assert!(!Ignore::default().matches(&owner("batch", "load-1")));
    }
}
