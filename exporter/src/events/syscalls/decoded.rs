//! The value of an argument, understood.

/// The value of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A text, or a number that is not one to calculate with.
    Text(String),
    /// A number.
    Number(i128),
    /// Several texts: names of flags, or a list.
    Texts(Vec<String>),
    /// The fields of a structure.
    Fields(Vec<(&'static str, Decoded)>),
}

impl Decoded {
    /// A number that is an address, a set of bits, or not understood.
    #[must_use]
    pub fn hex(number: u64) -> Self {
        Self::Text(format!("{number:#x}"))
    }

    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number.
    pub(super) fn number(number: impl Into<i128>) -> Self {
        Self::Number(number.into())
    }

    /// Calls `change` for every text that the process chose.
    pub fn for_texts(&mut self, change: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Text(text) => change(text),
            Self::Number(_) => {}
            Self::Texts(texts) => texts.iter_mut().for_each(change),
            Self::Fields(fields) => fields.iter_mut().for_each(|(_, value)| value.for_texts(change)),
        }
    }
}
