//! The time on the wall in named time zones, by a copy of the IANA database that is compiled in.

use std::sync::LazyLock;

use dataspace_primitives::UnixMillis;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Day and time on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    /// 1 is Monday, 7 is Sunday.
    pub(crate) weekday: i64,
    /// Of the day, 0 to 1439.
    pub(crate) minute: i64,
}

/// Returns true if there is a zone of just this name.
pub(crate) fn is_known(zone: &str) -> bool {
    get(zone).is_some()
}

/// `None` for an unknown zone and for the last days of the year 9999.
pub(crate) fn local(zone: &str, at: UnixMillis) -> Option<Local> {
    let at = Timestamp::from_millisecond(i64::try_from(at.as_millis()).ok()?).ok()?;
    let there = get(zone)?.to_datetime(at);
    let minute = i64::from(there.hour()) * 60 + i64::from(there.minute());
    Some(Local { weekday: i64::from(there.weekday().to_monday_one_offset()), minute })
}

/// The calendar year there; `None` as for [`local`].
pub(crate) fn year(zone: &str, at: UnixMillis) -> Option<u16> {
    let at = Timestamp::from_millisecond(i64::try_from(at.as_millis()).ok()?).ok()?;
    u16::try_from(get(zone)?.to_datetime(at).year()).ok()
}

fn get(zone: &str) -> Option<TimeZone> {
    // The database takes names in any case; contracts take one spelling.
    ZONES.get(zone).ok().filter(|found| found.iana_name() == Some(zone))
}
