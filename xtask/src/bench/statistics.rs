//! Medians and quartiles.

use std::fmt;

/// The middle of several measurements and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    /// A quarter is below.
    pub(super) low: f64,
    /// Half is below.
    pub(super) median: f64,
    /// A quarter is above.
    pub(super) high: f64,
}

impl Summary {
    /// Summarises measurements; not-a-numbers when there are none.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |part| quantile(&values, part);
        Self { low: at(0.25), median: at(0.5), high: at(0.75) }
    }
}

/// `12.3 [11.9–12.8]`, with the precision of the formatter.
impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, median, high } = self;
        let digits = formatter.precision().unwrap_or(1);
        write!(formatter, "{median:.digits$} [{low:.digits$}–{high:.digits$}]")
    }
}

/// The median; not a number when there are no values.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    Summary::of(values).median
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = part * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        let summary = Summary::of([5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!(summary, Summary { low: 2.0, median: 3.0, high: 4.0 });
        assert_eq!(format!("{summary:.0}"), "3 [2–4]");
        assert_eq!(median([1.0, 2.0]), 1.5);
        assert!(median([]).is_nan());
    }
}
