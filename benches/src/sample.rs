use std::time::{Duration, Instant};

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Number of samples; their median is reported.
    pub samples: usize,
    /// How long one sample lasts, about.
    pub sample_time: Duration,
}

impl Effort {
    /// From the command line: full under `cargo bench`, which passes `--bench`; minimal under
    /// `cargo test`, and with `--test`.
    #[must_use]
    pub fn from_args() -> Self {
        let has = |wanted: &str| std::env::args().any(|arg| arg == wanted);
        if has("--bench") && !has("--test") {
            Self { samples: 31, sample_time: Duration::from_millis(50) }
        } else {
            Self { samples: 1, sample_time: Duration::from_millis(1) }
        }
    }

    /// Returns true if the figures mean anything.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.samples > 1
    }

    /// Returns true if this part is to be measured: all, or the one that the command line names
    /// (`cargo bench --bench audit_log append`).
    #[must_use]
    pub fn selects(part: &str) -> bool {
        Self::filter().is_none_or(|filter| part.contains(&filter))
    }

    pub(crate) fn filter() -> Option<String> {
        std::env::args().skip(1).find(|arg| !arg.starts_with('-'))
    }

    /// Median time of one call of `work`, in microseconds.
    #[expect(clippy::disallowed_methods, reason = "a bench measures")]
    pub fn micros(self, mut work: impl FnMut()) -> f64 {
        // How many calls fill a sample; this warms up, too.
        let (begin, mut calls) = (Instant::now(), 0_u32);
        while begin.elapsed() < self.sample_time {
            work();
            calls += 1;
        }
        median((0..self.samples).map(|_| {
            let begin = Instant::now();
            for _ in 0..calls {
                work();
            }
            begin.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
        }))
    }
}

/// The middle one of `values`, or the mean of the middle two; NaN of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
    if values.len().is_multiple_of(2) {
        let lower = values.len().checked_sub(2).and_then(|n| values.get(n / 2)).copied();
        f64::midpoint(lower.unwrap_or(upper), upper)
    } else {
        upper
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert_eq!(median([3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
        assert!(median([]).is_nan());
    }
}
