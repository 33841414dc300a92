//! A naive reading of terms, without Cedar: what each constraint means.

use dataspace_policy::{Constraint, Facts, Hours, Rule, Terms};
use dataspace_primitives::Name;

/// Whether the terms permit the access to their own consumer and product.
pub(crate) fn permits(terms: &Terms, facts: &Facts<'_>) -> bool {
    terms.permissions.iter().any(|rule| permission_applies(rule, facts))
        && !terms.prohibitions.iter().any(|rule| prohibition_applies(rule, facts))
}

/// What asks for a fact that is not known does not permit.
pub(crate) fn permission_applies(rule: &Rule, facts: &Facts<'_>) -> bool {
    is_about(rule, facts) && all_hold(rule, facts) == Some(true)
}

/// What asks for a fact that is not known forbids.
pub(crate) fn prohibition_applies(rule: &Rule, facts: &Facts<'_>) -> bool {
    is_about(rule, facts) && all_hold(rule, facts) != Some(false)
}

/// Whether this reading knows all the time zones, at this time.
pub(crate) fn is_readable(terms: &Terms, facts: &Facts<'_>) -> bool {
    fn is_readable(constraint: &Constraint, now: i64) -> bool {
        match constraint {
            Constraint::Hours(hours) => offset(hours.zone.as_str(), now).is_some(),
            Constraint::Not(one) => is_readable(one, now),
            Constraint::All(all) | Constraint::Any(all) | Constraint::One(all) => {
                all.iter().all(|one| is_readable(one, now))
            }
            _ => true,
        }
    }
    let rules = terms.permissions.iter().chain(&terms.prohibitions);
    let mut constraints = rules.flat_map(|rule| &rule.constraints);
    constraints.all(|one| is_readable(one, minutes(facts)))
}

fn is_about(rule: &Rule, facts: &Facts<'_>) -> bool {
    rule.actions.iter().any(|action| *action == facts.action)
}

fn all_hold(rule: &Rule, facts: &Facts<'_>) -> Option<bool> {
    Some(each(&rule.constraints, facts)?.into_iter().all(|holds| holds))
}

/// `None` if one asks for a fact that is not known, whatever the others say.
fn each(all: &[Constraint], facts: &Facts<'_>) -> Option<Vec<bool>> {
    all.iter().map(|one| holds(one, facts)).collect()
}

fn holds(constraint: &Constraint, facts: &Facts<'_>) -> Option<bool> {
    fn is_one<'a>(mut all: impl Iterator<Item = &'a Name>, what: &str) -> bool {
        all.any(|one| one.as_str() == what)
    }
    fn share<'a>(some: impl IntoIterator<Item = &'a Name>, others: &[&Name]) -> bool {
        some.into_iter().any(|one| others.contains(&one))
    }
    let fewer = |uses: u64, max: u32| uses < u64::from(max);
    let now = facts.now.as_millis();
    Some(match constraint {
        Constraint::Purpose(all) => is_one(all.iter(), facts.purpose),
        Constraint::PurposeWithin(all) => share(all, &facts.purposes.iter().collect::<Vec<_>>()),
        Constraint::Time(window) => {
            window.from().as_millis() <= now && now < window.until().as_millis()
        }
        Constraint::From(at) => now >= at.as_millis(),
        Constraint::Before(at) => now < at.as_millis(),
        Constraint::Hours(hours) => is_open(hours, minutes(facts))?,
        Constraint::Elapsed(secs) => {
            u128::from(now) < u128::from(facts.agreed_at.as_millis()) + u128::from(*secs) * 1000
        }
        Constraint::Count(max) => fewer(facts.uses.contract, *max),
        Constraint::ConsumerCount(max) => fewer(facts.uses.consumer, *max),
        Constraint::DayCount(max) => fewer(facts.uses.today, *max),
        Constraint::MonthCount(max) => fewer(facts.uses.this_month, *max),
        Constraint::PlayCount(plays) => facts.uses.metered.plays? <= u64::from(plays.max),
        Constraint::SecondsCount(max) => facts.uses.metered.seconds? <= u64::from(*max),
        Constraint::FirstSeconds(until) => facts.asked_until? <= *until,
        Constraint::Jurisdiction(all) => all.iter().any(|one| *one == facts.region),
        Constraint::RecipientRegion(all) => {
            let region = facts.recipient_region?;
            all.iter().any(|one| *one == region)
        }
        Constraint::Participant(all) => is_one(all.iter(), facts.participant),
        // That one is held can be known; that none of them is held cannot.
        Constraint::Credential(all) => {
            let is_held = share(all, &facts.credentials.iter().collect::<Vec<_>>());
            is_held.then_some(true)?
        }
        Constraint::Attribute { name, values } => {
            let (_, value) = facts.attributes.iter().find(|(key, _)| *key == name)?;
            share(values, &[value])
        }
        Constraint::Vouched { kind, values } => {
            let (_, value) = facts.vouched.iter().find(|(key, _)| *key == kind)?;
            share(values, &[value])
        }
        Constraint::Role(all) => share(all, &facts.roles.iter().collect::<Vec<_>>()),
        Constraint::PersonRole(all) => share(all, &facts.person?.roles.iter().collect::<Vec<_>>()),
        Constraint::Attested => facts.environment?.attested?,
        Constraint::Sandbox => facts.environment?.sandbox,
        Constraint::SecurityLevel(least) => facts.environment?.security_level >= *least,
        Constraint::Connector(all) => is_one(all.iter(), facts.environment?.connector),
        Constraint::Application(all) => is_one(all.iter(), facts.environment?.application),
        Constraint::Class(all) => is_one(all.iter(), facts.product_class),
        Constraint::Level(most) => facts.product_level? <= *most,
        Constraint::Payment(all) => {
            let payment = facts.payment?;
            all.iter().any(|one| *one == payment)
        }
        Constraint::Event(all) => share(all, &facts.events?.iter().collect::<Vec<_>>()),
        Constraint::State(all) => is_one(all.iter(), facts.state?),
        Constraint::Not(one) => !holds(one, facts)?,
        Constraint::All(all) => each(all, facts)?.into_iter().all(|holds| holds),
        Constraint::Any(all) => each(all, facts)?.into_iter().any(|holds| holds),
        Constraint::One(all) => each(all, facts)?.into_iter().filter(|holds| *holds).count() == 1,
    })
}

/// Since 1970, UTC.
fn minutes(facts: &Facts<'_>) -> i64 {
    i64::try_from(facts.now.as_millis() / 60_000).expect("small")
}

fn is_open(hours: &Hours, now: i64) -> Option<bool> {
    let local = now + offset(hours.zone.as_str(), now)?;
    // 1970 began on a Thursday, the fourth day.
    let weekday = (local / 1440 + 3) % 7 + 1;
    let minute = local % 1440;
    let is_day = hours.weekdays.iter().any(|day| i64::from(day.number()) == weekday);
    Some(is_day && i64::from(hours.from) <= minute && minute < i64::from(hours.until))
}

/// Minutes east of Greenwich, of the zones and years whose rule is simple.
fn offset(zone: &str, now: i64) -> Option<i64> {
    let day = now / 1440;
    let mut year = 1970;
    let mut start = 0;
    let len = |year: i64| 365 + i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    while start + len(year) <= day {
        start += len(year);
        year += 1;
        if year > 2100 {
            return None;
        }
    }
    if year < 2000 {
        return None;
    }
    match zone {
        "Asia/Kolkata" => Some(330),
        "Pacific/Kiritimati" => Some(840),
        "Europe/Berlin" => {
            // Summer time begins and ends at 01:00 UTC, on the last Sundays of March and October.
            let leap = len(year) - 365;
            let (march_31, october_31) = (start + 89 + leap, start + 303 + leap);
            let sunday = |last: i64| (last - (last + 4) % 7) * 1440 + 60;
            let is_summer = sunday(march_31) <= now && now < sunday(october_31);
            Some(if is_summer { 120 } else { 60 })
        }
        _ => None,
    }
}
