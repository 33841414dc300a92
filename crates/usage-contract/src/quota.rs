//! Counts of uses.

use std::fmt;

use dataspace_policy::{Meters, Uses, facts::Metered};
use dataspace_primitives::UnixMillis;
use thiserror::Error;

use crate::meter::{Meter, Use};

/// How often a contract may be used, and how often it was. A plain state machine: its holder
/// makes reservations one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    limit: Option<u64>,
    counts: Counts,
    /// Apart, since few contracts have one.
    meter: Option<Box<Meter>>,
}

/// How often a contract was used: in all, on the day and in the calendar month of the last use
/// (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    used: u64,
    day: Period,
    month: Period,
}

/// The uses of one day or month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Period {
    number: u64,
    uses: u64,
}

impl Period {
    /// The period of this number; the last one that was used, if that is later.
    fn at(self, number: u64) -> Self {
        if number > self.number { Self { number, uses: 0 } } else { self }
    }

    fn count(&mut self, number: u64) {
        *self = self.at(number);
        self.uses = self.uses.saturating_add(1);
    }

    fn merge(self, other: Self) -> Self {
        let later = self.at(other.number);
        let uses = if other.number == later.number { other.uses } else { 0 };
        Self { uses: later.uses.saturating_add(uses), ..later }
    }
}

impl Counts {
    /// Counts one use that the log records: the one that made them `uses`, at `at`. The order in
    /// which uses are counted so makes no difference.
    pub fn restore(&mut self, uses: u64, at: UnixMillis) {
        self.used = self.used.max(uses);
        // Threads may have recorded a use of yesterday after one of today.
        if at.day_number() >= self.day.number {
            self.day.count(at.day_number());
        }
        if at.month_number() >= self.month.number {
            self.month.count(at.month_number());
        }
    }

    /// Uses in all; number and uses of the day of the last use, counted from 1970; the same of its
    /// month. For storing counts.
    #[must_use]
    pub fn to_parts(self) -> (u64, (u64, u64), (u64, u64)) {
        let Self { used, day, month } = self;
        (used, (day.number, day.uses), (month.number, month.uses))
    }

    /// Counts from the result of [`to_parts`](Self::to_parts).
    #[must_use]
    pub fn from_parts(used: u64, day: (u64, u64), month: (u64, u64)) -> Self {
        let period = |(number, uses)| Period { number, uses };
        Self { used, day: period(day), month: period(month) }
    }

    /// Counts of the uses of both, if no use is in both.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            used: self.used.max(other.used),
            day: self.day.merge(other.day),
            month: self.month.merge(other.month),
        }
    }
}

/// All uses are made or reserved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct QuotaExhausted {
    /// Uses that the contract permits.
    pub limit: u64,
}

impl fmt::Display for QuotaExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            1 => f.write_str("the only use of the contract is made"),
            limit => write!(f, "all {limit} uses of the contract are made"),
        }
    }
}

impl Quota {
    /// A contract with at most `limit` uses, none made; `None` is unlimited.
    #[must_use]
    pub fn new(limit: Option<u64>) -> Self {
        Self::with_counts((limit, Meters::default()), (Counts::default(), Metered::default()))
    }

    /// A contract with at most `limit` uses, which counts what `meters` say beside them, and what was
    /// counted so far.
    #[must_use]
    pub fn with_counts(
        (limit, meters): (Option<u64>, Meters),
        (counts, metered): (Counts, Metered),
    ) -> Self {
        let mut meter = Meter::new(meters);
        if let Some(meter) = &mut meter {
            meter.take(metered);
        }
        Self { limit, counts, meter: meter.map(Box::new) }
    }

    /// What it counts beside uses.
    #[must_use]
    pub fn meters(&self) -> Meters {
        self.meter.as_ref().map(|meter| meter.meters()).unwrap_or_default()
    }

    /// The plays and seconds that were counted.
    #[must_use]
    pub fn metered(&self) -> Metered {
        self.meter.as_ref().map(|meter| meter.counted()).unwrap_or_default()
    }

    /// Uses made or reserved.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.counts.used
    }

    /// Uses made or reserved, as a decision at `at` on this access has to count them; those of the consumer
    /// under other contracts are not known here. A time before the last use counts as the time of the
    /// last use: what is over gives nothing back.
    #[must_use]
    pub fn uses_at(&self, at: UnixMillis, access: &Use) -> Uses {
        let (today, this_month) = (
            self.counts.day.at(at.day_number()).uses,
            self.counts.month.at(at.month_number()).uses,
        );
        let metered = self.meter.as_ref().map(|meter| meter.with(access)).unwrap_or_default();
        Uses { contract: self.counts.used, consumer: 0, today, this_month, metered }
    }

    /// Returns true if a use at `at` would come after one of a later day or month. Then it must get a newer
    /// time: in a log, the uses of a contract go forward in time.
    #[must_use]
    pub fn is_late(&self, at: UnixMillis) -> bool {
        at.day_number() < self.counts.day.number || at.month_number() < self.counts.month.number
    }

    /// Uses that the contract permits; `None` is unlimited.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Takes one use at `at`, this access; gives the number of uses including this one. A use is never given
    /// back: a failed query counts.
    ///
    /// # Errors
    /// [`QuotaExhausted`] if none is left.
    pub fn reserve(&mut self, at: UnixMillis, access: &Use) -> Result<u64, QuotaExhausted> {
        match self.limit {
            Some(limit) if self.counts.used >= limit => Err(QuotaExhausted { limit }),
            _ => {
                self.counts.used = self.counts.used.saturating_add(1);
                self.counts.day.count(at.day_number());
                self.counts.month.count(at.month_number());
                if let Some(meter) = &mut self.meter {
                    meter.take(meter.with(access));
                }
                Ok(self.counts.used)
            }
        }
    }

    /// Counts one use that the log records, at start-up: as [`Counts::restore`], and what its plays and seconds
    /// came to, which stand in the log in their order. The log is right even beyond the limit.
    pub fn restore(&mut self, uses: u64, at: UnixMillis, metered: Metered) {
        self.counts.restore(uses, at);
        if let Some(meter) = &mut self.meter {
            meter.take(metered);
        }
    }
}
