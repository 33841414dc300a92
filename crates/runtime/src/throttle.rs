//! How often a consumer is denied, so that nobody can fill a log by asking for what it may not have.

use std::collections::HashMap;

use dataspace_identity::Did;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::Event;
use parking_lot::Mutex;

/// Over so long a time denials are counted, in microseconds.
const WINDOW_MICROS: u64 = 60_000_000;
/// At least so long after the first denial of a sum it is recorded, in milliseconds.
const SUM_MILLIS: u64 = 60_000;

/// The denials of each consumer. Consumers of contracts have an entry at most, who are members.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Did, Denials>>);

#[derive(Default)]
struct Denials {
    /// When the recorded ones will have been paid for, each by its share of a minute.
    paid_at_micros: u64,
    /// Those that are not recorded yet.
    sum: Option<Sum>,
}

/// Denials that were told, and are not recorded one by one.
struct Sum {
    from: UnixMillis,
    until: UnixMillis,
    count: u64,
}

/// How one more denial is treated.
pub(crate) enum Room {
    /// It is recorded.
    Recorded,
    /// It is counted. The next one is recorded from this time on, and `due` is a sum to be recorded now.
    Counted { retry_at: UnixMillis, due: Option<Box<Event>> },
}

impl Throttle {
    /// Counts one more denial of `consumer`; `per_minute` of them are recorded.
    pub(crate) fn deny(&self, consumer: &Did, now: UnixMillis, per_minute: u32) -> Room {
        let share = WINDOW_MICROS / u64::from(per_minute.max(1));
        let now_micros = now.as_millis().saturating_mul(1_000);
        let mut all = self.0.lock();
        if !all.contains_key(consumer) {
            all.insert(consumer.clone(), Denials::default());
        }
        let Some(denials) = all.get_mut(consumer) else { return Room::Recorded };
        let paid_at = denials.paid_at_micros.max(now_micros).saturating_add(share);
        let until = now_micros.saturating_add(WINDOW_MICROS);
        if paid_at <= until {
            denials.paid_at_micros = paid_at;
            return Room::Recorded;
        }
        let wait = (paid_at - until).div_ceil(1_000);
        let retry_at = now.as_millis().saturating_add(wait);
        let retry_at = UnixMillis::new(retry_at).unwrap_or(UnixMillis::MAX);
        let is_due = |sum: &Sum| now.since(sum.from).as_millis() >= u128::from(SUM_MILLIS);
        let due = match &mut denials.sum {
            Some(sum) if !is_due(sum) => {
                (sum.until, sum.count) = (sum.until.max(now), sum.count.saturating_add(1));
                None
            }
            sum => {
                let new = Sum { from: now, until: now, count: 1 };
                sum.replace(new).map(|sum| sum.to_event(consumer))
            }
        };
        Room::Counted { retry_at, due: due.map(Box::new) }
    }

    /// All sums, to be recorded. Who was not denied for a while is forgotten.
    pub(crate) fn take(&self, now: UnixMillis) -> Vec<Event> {
        let now_micros = now.as_millis().saturating_mul(1_000);
        let mut events = Vec::new();
        self.0.lock().retain(|consumer, denials| {
            events.extend(denials.sum.take().map(|sum| sum.to_event(consumer)));
            denials.paid_at_micros > now_micros
        });
        events
    }
}

impl Sum {
    fn to_event(&self, consumer: &Did) -> Event {
        let Self { from, until, count } = *self;
        Event::Denials { consumer: consumer.clone(), from, until, count }
    }
}
