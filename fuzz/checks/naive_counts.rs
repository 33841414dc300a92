//! What a naive model counts of the uses of a contract.

use crate::ledger_plain::{Asked, Contract, ELSEWHERE, Event, FREE, METERED, PLAYS};
use crate::naive_ledger::Model;

const DAY: u64 = 86_400_000;

impl Model {
    /// The contract of each use and its time.
    fn uses_made(&self) -> impl Iterator<Item = (u64, Contract)> {
        self.past.iter().filter_map(|(time, event)| match event {
            Event::Access { asked, is_permitted: true } => Some((*time, asked.contract)),
            _ => None,
        })
    }

    /// Uses of a contract in all, by its consumer of the product, on the day and in the month (UTC). A time
    /// before the last use counts as that of the last use.
    pub(crate) fn uses(&self, contract: &Contract, now: u64) -> [u64; 4] {
        let mut times = Vec::new();
        let mut by_consumer = 0;
        for (time, used) in self.uses_made() {
            if used == *contract {
                times.push(time);
            }
            if (used.consumer, used.product) == (contract.consumer, contract.product) {
                by_consumer += 1;
            }
        }
        let last = times.iter().copied().max().unwrap_or(0).max(now);
        let count = |of: fn(u64) -> u64| times.iter().filter(|time| of(**time) == of(last)).count();
        [times.len() as u64, by_consumer, count(day) as u64, count(month) as u64]
    }

    /// Permitted accesses under a contract, in their order, and one more.
    fn made_of<'a>(
        &'a self,
        contract: &'a Contract,
        more: Option<&'a Asked>,
    ) -> impl Iterator<Item = &'a Asked> {
        let made = self.past.iter().filter_map(|(_, event)| match event {
            Event::Access { asked, is_permitted: true } => Some(asked),
            _ => None,
        });
        made.filter(move |asked| asked.contract == *contract).chain(more)
    }

    /// Plays of a contract that counts them, with one access more, and the second that the open one has
    /// come to.
    pub(crate) fn plays(
        &self,
        contract: &Contract,
        more: Option<&Asked>,
    ) -> Option<(u64, Option<u32>)> {
        let (mut plays, mut open) = (0, None);
        for Asked { action, stretch, .. } in self.made_of(contract, more) {
            let stretch = stretch.filter(|_| *action == "play");
            let is_free = stretch.is_some_and(|(_, until)| until <= FREE);
            let goes_on = stretch.zip(open).is_some_and(|((from, _), open)| from >= open);
            plays += u64::from(!is_free && !goes_on);
            if let Some((_, until)) = stretch.filter(|_| !is_free) {
                open = Some(until);
            }
        }
        (contract.terms == PLAYS).then_some((plays, open))
    }

    /// Seconds that were asked for under a contract that counts them, with one access more, which must ask
    /// for some.
    pub(crate) fn seconds(&self, contract: &Contract, more: Option<&Asked>) -> Option<u64> {
        let asks = more.is_none_or(|asked| asked.stretch.is_some());
        let stretches = self.made_of(contract, more).filter_map(|asked| asked.stretch);
        let seconds = stretches.map(|(from, until)| u64::from(until - from)).sum();
        (contract.terms == METERED && asks).then_some(seconds)
    }

    /// Whether a use now would come after one of a later day or month.
    pub(crate) fn is_late(&self, contract: &Contract, now: u64) -> bool {
        self.uses_made().any(|(time, used)| used == *contract && day(time) > day(now))
    }

    /// Uses that the terms of a contract permit in all.
    pub(crate) fn limit(contract: &Contract) -> Option<u64> {
        match contract.terms {
            1 | ELSEWHERE => Some(2),
            9 => Some(3),
            _ => None,
        }
    }
}

fn day(time: u64) -> u64 {
    time / DAY
}

/// Months since 1970, by counting them.
fn month(time: u64) -> u64 {
    let (mut left, mut months) = (day(time), 0);
    for year in 1970_u64.. {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for days in [31, 28 + u64::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if left < days {
                return months;
            }
            left -= days;
            months += 1;
        }
    }
    months
}
