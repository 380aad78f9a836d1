//! Medians and quartiles: what a machine that does something else now and then cannot move far.

/// The middle of some values, and of each half of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let at = |share| quantile(&values, share);
        Some(Self { lower: at(0.25)?, median: at(0.5)?, upper: at(0.75)? })
    }

    /// Without their signs, in steps.
    pub fn sizes(self, step: f64) -> Self {
        let [lower, median, upper] = [self.lower, self.median, self.upper].map(|value| value.abs() / step);
        Self { lower: lower.min(upper), median, upper: lower.max(upper) }
    }
}

pub fn median(values: Vec<f64>) -> Option<f64> {
    Spread::of(values).map(|spread| spread.median)
}

/// Between the two values that are nearest.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)?) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}
