//! Counts of plays and seconds: what an access to a recording takes.

use dataspace_policy::{Action, Meters, facts::Metered};
use dataspace_primitives::Part;

/// One access, as far as counts depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    action: Action,
    /// The stretch of seconds that is asked for, the end outside.
    stretch: Option<(u32, u32)>,
}

/// The plays and seconds of a contract that counts them. A plain state machine: its holder takes one access
/// after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    meters: Meters,
    plays: u64,
    /// The second up to which the open play has come.
    played_until: Option<u32>,
    seconds: u64,
}

impl Use {
    /// An access with this action to this part of the product.
    #[must_use]
    pub fn new(action: Action, part: Option<&Part>) -> Self {
        let stretch = match part {
            Some(Part::Seconds { from, until }) => Some((*from, *until)),
            Some(Part::Rows { .. } | Part::Bytes { .. }) | None => None,
        };
        Self { action, stretch }
    }

    /// The second before which the stretch ends that is asked for; `None` if none is.
    #[must_use]
    pub fn asked_until(&self) -> Option<u32> {
        self.stretch.map(|(_, until)| until)
    }
}

impl Meter {
    /// Nothing is counted yet; `None` if there is nothing to count.
    #[must_use]
    pub fn new(meters: Meters) -> Option<Self> {
        let counts = meters != Meters::default();
        counts.then_some(Self { meters, plays: 0, played_until: None, seconds: 0 })
    }

    /// What it counts.
    #[must_use]
    pub fn meters(&self) -> Meters {
        self.meters
    }

    /// What its counts come to if this access is permitted.
    #[must_use]
    pub fn with(&self, access: &Use) -> Metered {
        let (plays, played_until) = match self.meters.plays_after {
            None => (None, None),
            Some(after) => {
                let (plays, played_until) = self.played(after, access);
                (Some(plays), played_until)
            }
        };
        let stretch = access.stretch.filter(|_| self.meters.seconds);
        let seconds = stretch.map(|(from, until)| {
            self.seconds.saturating_add(u64::from(until.saturating_sub(from)))
        });
        Metered { plays, played_until, seconds }
    }

    /// Plays, and the second that the open one has come to, with this access.
    fn played(&self, after: u32, access: &Use) -> (u64, Option<u32>) {
        let one_more = self.plays.saturating_add(1);
        match access.stretch.filter(|_| access.action == Action::Play) {
            // No play yet.
            Some((_, until)) if until <= after => (self.plays, self.played_until),
            // It goes on with the play that is open.
            Some((from, until)) if self.played_until.is_some_and(|come_to| come_to <= from) => {
                (self.plays, Some(until))
            }
            Some((_, until)) => (one_more, Some(until)),
            // A play of its own, beside the open one.
            None => (one_more, self.played_until),
        }
    }

    /// Counts an access by what its counts [came to](Self::with), be it made now or recorded.
    pub fn take(&mut self, counts: Metered) {
        if let Some(plays) = counts.plays {
            (self.plays, self.played_until) = (plays, counts.played_until);
        }
        if let Some(seconds) = counts.seconds {
            self.seconds = seconds;
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn counted(&self) -> Metered {
        let plays = self.meters.plays_after.map(|_| self.plays);
        let seconds = self.meters.seconds.then_some(self.seconds);
        Metered { plays, played_until: self.played_until, seconds }
    }
}

/// Returns true if an access can bring the counts of a contract to this, whatever they were before.
#[must_use]
pub fn is_possible(meters: Meters, access: &Use, counts: &Metered) -> bool {
    let stretch = access.stretch.filter(|_| access.action == Action::Play);
    let plays = match (meters.plays_after, counts.plays) {
        (None, None) => counts.played_until.is_none(),
        (Some(after), Some(plays)) => {
            // Only what was played beyond the first seconds is open.
            let is_open = counts.played_until.is_none_or(|until| until > after && plays > 0);
            is_open
                && match stretch {
                    Some((_, until)) if until <= after => true,
                    Some((_, until)) => counts.played_until == Some(until),
                    None => plays > 0,
                }
        }
        _ => false,
    };
    let seconds = match (access.stretch.filter(|_| meters.seconds), counts.seconds) {
        (None, None) => true,
        (Some((from, until)), Some(seconds)) => seconds >= u64::from(until.saturating_sub(from)),
        _ => false,
    };
    plays && seconds
}
