use thiserror::Error;

/// How often a contract may be used, and how often it was. A plain state machine: whoever holds
/// it makes reservations one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    limit: Option<u64>,
    used: u64,
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
        Self { limit, used: 0 }
    }

    /// Uses made or reserved.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Uses that the contract permits; `None` is unlimited.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Takes one use; gives the number of uses including this one. A use is never given back: a
    /// failed query counts.
    ///
    /// # Errors
    /// [`QuotaExhausted`] if none is left.
    pub fn reserve(&mut self) -> Result<u64, QuotaExhausted> {
        match self.limit {
            Some(limit) if self.used >= limit => Err(QuotaExhausted { limit }),
            _ => {
                self.used = self.used.saturating_add(1);
                Ok(self.used)
            }
        }
    }

    /// Counts a use that the log records, at start-up. The log is right even beyond the limit.
    pub fn restore(&mut self, uses: u64) {
        self.used = self.used.max(uses);
    }
}
