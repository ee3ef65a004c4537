//! What an `Accept` header says of a media type.

/// A media type that can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// `type/subtype`, in lower case.
    pub(crate) name: &'static str,
    /// The parameter `version`, which a range must name alike if it names one; without it no range may.
    pub(crate) version: Option<&'static str>,
}

impl Media {
    /// How much an `Accept` header wants this, in thousandths; nothing when it does not speak of it.
    pub(crate) fn quality(self, accept: &str) -> Option<u16> {
        // The most specific range decides, not the most generous one (RFC 9110, 12.5.1).
        let ranges = accept.split(',').filter_map(|range| self.matching(range));
        ranges.max_by_key(|(specificity, _)| *specificity).map(|(_, quality)| quality)
    }

    /// How closely a media range names this, and its quality in thousandths; nothing when it is about something else.
    fn matching(self, range: &str) -> Option<(u8, u16)> {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next()?.to_ascii_lowercase();
        let (mut quality, mut version) = (1000, None);
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => quality = thousandths(value)?,
                "version" => version = Some(value),
                // `escaping` and `charset` change nothing: all our names are plain, all our text is UTF-8.
                _ => {}
            }
        }
        let is_of_type =
            |media: &str| media.strip_suffix("/*").is_some_and(|kind| self.name.split('/').next() == Some(kind));
        let specificity = match (media.as_str(), version) {
            (media, Some(_)) if media == self.name && version == self.version => 3,
            (media, None) if media == self.name => 2,
            ("*/*", _) => 0,
            (media, None) if is_of_type(media) => 1,
            _ => return None,
        };
        Some((specificity, quality))
    }
}

fn thousandths(quality: &str) -> Option<u16> {
    let number: f64 = quality.parse().ok().filter(|number| (0.0..=1.0).contains(number))?;
    Some((number * 1000.0).round() as u16)
}
