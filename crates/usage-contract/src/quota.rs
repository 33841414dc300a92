use dataspace_policy::Uses;
use dataspace_primitives::UnixMillis;
use thiserror::Error;

/// How often a contract may be used, and how often it was: in all, on the day and in the calendar
/// month of the last use (UTC). A plain state machine: whoever holds it makes reservations one
/// after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    limit: Option<u64>,
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
}

/// All uses are made or reserved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("all {limit} uses of the contract are made")]
pub struct QuotaExhausted {
    /// Uses that the contract permits.
    pub limit: u64,
}

impl Quota {
    /// A contract with at most `limit` uses, none made; `None` is unlimited.
    #[must_use]
    pub fn new(limit: Option<u64>) -> Self {
        Self { limit, used: 0, day: Period::default(), month: Period::default() }
    }

    /// Uses made or reserved.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Uses made or reserved, as a decision at `at` has to count them; those of the consumer under
    /// other contracts are not known here. A time before the last use counts as the time of the
    /// last use: what is over gives nothing back.
    #[must_use]
    pub fn uses_at(&self, at: UnixMillis) -> Uses {
        let (today, this_month) =
            (self.day.at(at.day_number()).uses, self.month.at(at.month_number()).uses);
        Uses { contract: self.used, consumer: 0, today, this_month }
    }

    /// Uses that the contract permits; `None` is unlimited.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Takes one use at `at`; gives the number of uses including this one. A use is never given
    /// back: a failed query counts.
    ///
    /// # Errors
    /// [`QuotaExhausted`] if none is left.
    pub fn reserve(&mut self, at: UnixMillis) -> Result<u64, QuotaExhausted> {
        match self.limit {
            Some(limit) if self.used >= limit => Err(QuotaExhausted { limit }),
            _ => {
                self.used = self.used.saturating_add(1);
                self.day.count(at.day_number());
                self.month.count(at.month_number());
                Ok(self.used)
            }
        }
    }

    /// Counts one use that the log records, at start-up: the one that made them `uses`, at `at`.
    /// The log is right even beyond the limit.
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
}
