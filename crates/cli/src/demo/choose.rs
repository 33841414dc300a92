//! Duties for a table that nobody has looked at: by the names of its columns, and its first rows.
//!
//! A guess, which is told with its reason: what is in a table, and who may see it, a person knows.

use anyhow::Result;
use dataspace_data_plane::Table;
use dataspace_policy::{ColumnMask, Duty, MaskMethod, Number, Operator, RowFilter, Scalar};

use super::columns::{self, Column, Values, counts};

/// A duty, and why it was chosen.
pub(super) struct Chosen {
    pub(super) duty: Duty,
    pub(super) why: String,
}

/// A column, how it is masked, and why.
type Mask<'c> = (&'c Column, MaskMethod, String);

/// Most duties, so that the terms have room for the other clauses.
const DUTIES_MAX: usize = 56;

/// Columns that identify a person on their own.
const PERSONAL: &[&str] = &[
    "email",
    "mail",
    "phone",
    "telephone",
    "telefon",
    "tel",
    "mobile",
    "handy",
    "fax",
    "address",
    "adresse",
    "street",
    "strasse",
    "straße",
    "iban",
    "bic",
    "passport",
    "ssn",
    "birth",
    "birthday",
    "birthdate",
    "dob",
    "geburtsdatum",
    "surname",
    "lastname",
    "firstname",
    "forename",
    "fullname",
    "nachname",
    "vorname",
    "username",
    "login",
    "password",
    "ip",
    "mac",
    "signature",
];
/// Whose name is a person's.
const PERSONS: &[&str] = &[
    "first", "last", "full", "middle", "user", "person", "patient", "employee", "customer",
    "client", "contact", "owner", "driver", "student", "author",
];
/// Columns that stand for one person, thing or row.
const IDENTIFIERS: &[&str] = &[
    "id",
    "ids",
    "uuid",
    "guid",
    "identifier",
    "key",
    "serial",
    "vin",
    "imei",
    "account",
    "badge",
    "license",
    "licence",
    "plate",
    "customer",
    "patient",
    "employee",
    "user",
    "person",
    "kunde",
    "patientid",
    "customerid",
    "userid",
    "employeeid",
];
const PLACES: &[&str] =
    &["latitude", "longitude", "lat", "lon", "lng", "gps", "coordinate", "coordinates"];
const POSTCODES: &[&str] = &["zip", "zipcode", "postcode", "postal", "postalcode", "plz"];
const AGES: &[&str] = &["age", "alter"];
const YEARS: &[&str] = &["year", "years", "yr", "jahr", "annee", "année", "anno"];
const COUNTRIES: &[&str] = &["country", "countrycode", "nation", "staat", "pays", "region"];

/// Duties for any table, with the columns that stay as they are.
pub(super) fn duties(table: &Table) -> Result<(Vec<Chosen>, Vec<String>)> {
    let (columns, unreleased) = (columns::read(table)?, table.unreleased());
    let filter = filter(&columns)?;
    let mut masks = Vec::new();
    let mut kept = Vec::new();
    for column in &columns {
        let is_filtered = filter.as_ref().is_some_and(|(by, is_plain, _)| {
            // Years and countries say what they say; other numbers are masked all the same.
            *is_plain && *by == column.name
        });
        let mask = if unreleased.contains(&column.name) {
            Some((MaskMethod::Drop, "values of its type do not leave a node".to_owned()))
        } else if is_filtered {
            None
        } else {
            by_name(column).or_else(|| by_values(column))
        };
        match mask {
            Some((method, why)) => masks.push((column, method, why)),
            None => kept.push(column.name.clone()),
        }
    }
    leave_one(&mut masks, &columns, &unreleased);
    // What tells of persons comes first, if there is no room for all.
    let is_round = |(_, method, _): &Mask<'_>| matches!(method, MaskMethod::Round { .. });
    let (rounded, mut masks): (Vec<_>, Vec<_>) = masks.into_iter().partition(is_round);
    masks.extend(rounded);
    let room = DUTIES_MAX - usize::from(filter.is_some());
    if masks.len() > room {
        let rest = masks.split_off(room);
        kept.extend(rest.into_iter().map(|(column, ..)| column.name.clone()));
    }
    let mut chosen: Vec<_> = filter.into_iter().map(|(_, _, chosen)| chosen).collect();
    for (column, method, why) in masks {
        let mask = ColumnMask { column: column.name.parse()?, method };
        chosen.push(Chosen { duty: Duty::Mask(mask), why });
    }
    Ok((chosen, kept))
}

/// A release needs a column.
fn leave_one(masks: &mut [Mask<'_>], columns: &[Column], unreleased: &[String]) {
    let is_left_out = |one: &&Mask<'_>| matches!(one.1, MaskMethod::Drop);
    if masks.iter().filter(is_left_out).count() < columns.len() {
        return;
    }
    let one = masks.iter_mut().find(|(column, ..)| {
        !unreleased.contains(&column.name) && !matches!(column.values, Values::Other)
    });
    if let Some((_, method, why)) = one {
        *method = MaskMethod::Hash;
        why.push_str("; replaced and not left out, since a release needs a column");
    }
}

fn by_name(column: &Column) -> Option<(MaskMethod, String)> {
    let is_text = column.texts().is_some();
    let is_other = matches!(column.values, Values::Other);
    let is_name = column.word(&["name"]) && (column.word(PERSONS) || column.name.len() == 4);
    if column.word(PERSONAL) || is_name {
        return Some((MaskMethod::Drop, "its name is that of a person's own data".to_owned()));
    }
    if column.word(IDENTIFIERS) {
        let why =
            "its name is that of an identifier: equal ones stay equal under this contract alone";
        let method = if is_other { MaskMethod::Drop } else { MaskMethod::Hash };
        return Some((method, why.to_owned()));
    }
    if column.word(POSTCODES) {
        let method = match &column.values {
            Values::Texts(_) => MaskMethod::Truncate { chars: 2 },
            Values::Numbers(_) => MaskMethod::Round { decimals: -3 },
            Values::Other => MaskMethod::Drop,
        };
        return Some((method, "it holds postcodes: a wider area is enough for most".to_owned()));
    }
    if column.word(PLACES) {
        let rounded = MaskMethod::Round { decimals: 1 };
        let method = if is_text || is_other { MaskMethod::Drop } else { rounded };
        return Some((method, "it holds places: a tenth of a degree is some 10 km".to_owned()));
    }
    let is_age = column.word(AGES) && column.numbers().is_some();
    is_age.then(|| {
        (MaskMethod::Round { decimals: -1 }, "it holds ages: with others they tell who".to_owned())
    })
}

fn by_values(column: &Column) -> Option<(MaskMethod, String)> {
    if let Some(texts) = column.texts() {
        if texts.iter().all(|text| is_date(text)) {
            let why = "it holds dates: the month is enough for most".to_owned();
            return Some((MaskMethod::Truncate { chars: 7 }, why));
        }
        let is_own = texts.len() > 1 && counts(texts).len() * 10 >= texts.len() * 9;
        if !is_own {
            return None;
        }
        let is_code =
            |text: &String| !text.contains(' ') && text.chars().any(|c| c.is_ascii_digit());
        return Some(if texts.iter().all(is_code) {
            (
                MaskMethod::Hash,
                "nearly each row has a code of its own, as identifiers are".to_owned(),
            )
        } else {
            let why = "nearly each row has a text of its own, which may tell which row it is";
            (MaskMethod::Truncate { chars: 2 }, why.to_owned())
        });
    }
    let numbers = column.numbers()?;
    if is_years(column, numbers) {
        return None;
    }
    let is_whole = numbers.iter().all(|value| value.fract() == 0.0);
    let is_run = numbers.len() > 2 && numbers.windows(2).all(is_next);
    if is_whole && is_run {
        let why = "it numbers the rows: equal ones stay equal under this contract alone";
        return Some((MaskMethod::Hash, why.to_owned()));
    }
    let mut sizes: Vec<_> = numbers.iter().map(|value| value.abs()).filter(|v| *v > 0.0).collect();
    sizes.sort_by(f64::total_cmp);
    let decimals = decimals(*sizes.get(sizes.len() / 2)?);
    if is_whole && decimals >= 0 {
        return None;
    }
    let why = "exact numbers tell which row it is; about two digits stay".to_owned();
    Some((MaskMethod::Round { decimals }, why))
}

/// The column, whether it says what it says to everybody, and the filter.
fn filter(columns: &[Column]) -> Result<Option<(String, bool, Chosen)>> {
    let chosen = |column: &Column, operator, value, why| {
        let filter = RowFilter { column: column.name.parse()?, operator, values: vec![value] };
        anyhow::Ok(Chosen { duty: Duty::Filter(filter), why })
    };
    for column in columns {
        let Some(years) = column.numbers().filter(|numbers| is_years(column, numbers)) else {
            continue;
        };
        if let Some(from) = later_half(years) {
            let why = format!("it holds years: about half of the rows are of {from} or later");
            let value = Scalar::Number(number(from)?);
            let chosen = chosen(column, Operator::Gteq, value, why)?;
            return Ok(Some((column.name.clone(), true, chosen)));
        }
    }
    for column in columns.iter().filter(|column| column.word(COUNTRIES)) {
        let Some(texts) = column.texts() else { continue };
        let counts = counts(texts);
        let most = counts.iter().max_by_key(|(_, count)| **count);
        if let Some((country, count)) = most
            && counts.len() > 1
            && let Ok(value) = country.parse()
        {
            let all = texts.len();
            let why = format!(
                "it holds countries or regions: {count} of the first {all} rows are of this one"
            );
            let chosen = chosen(column, Operator::Eq, Scalar::Text(value), why)?;
            return Ok(Some((column.name.clone(), true, chosen)));
        }
    }
    for column in columns.iter().filter(|column| by_name(column).is_none()) {
        let Some(half) = column.numbers().and_then(later_half) else { continue };
        let why = "there is no column of years or countries; about half of the rows are as large";
        let value = Scalar::Number(number(half)?);
        let chosen = chosen(column, Operator::Gteq, value, why.to_owned())?;
        return Ok(Some((column.name.clone(), false, chosen)));
    }
    Ok(None)
}

fn is_years(column: &Column, numbers: &[f64]) -> bool {
    let is_year = |value: &f64| value.fract() == 0.0 && (1_000.0..=3_000.0).contains(value);
    column.word(YEARS) && numbers.iter().all(is_year)
}

/// A value, to about three digits, that half of these reach; `None` if all are the same.
fn later_half(sorted: &[f64]) -> Option<f64> {
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let middle = *sorted.get(sorted.len() / 2)?;
    let middle = if middle > least { middle } else { *sorted.iter().find(|it| **it > least)? };
    let is_year = middle.fract() == 0.0 && middle.abs() < 10_000.0;
    let rounded = if is_year { middle } else { to_three_digits(middle) };
    Some(if rounded > least && rounded <= most { rounded } else { middle })
}

/// Returns true if the second number is the one after the first.
fn is_next(pair: &[f64]) -> bool {
    matches!(pair, [one, next] if (next - one - 1.0).abs() < f64::EPSILON)
}

/// `2024-05-01`, and maybe a time after it.
fn is_date(text: &str) -> bool {
    let Some(date) = text.get(..10) else { return false };
    date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    })
}

fn to_three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

fn number(value: f64) -> Result<Number> {
    // Signed documents spell a number in one way; below 10^-28 or so it is simply zero.
    let text = value.to_string();
    Ok(if text.len() > 32 || text == "-0" { "0".parse()? } else { text.parse()? })
}

/// Decimals that leave about two digits of a value of this size.
fn decimals(typical: f64) -> i8 {
    let exponent = format!("{typical:e}");
    let exponent = exponent.split_once('e').and_then(|(_, e)| e.parse::<i8>().ok()).unwrap_or(0);
    1_i8.saturating_sub(exponent).clamp(-18, 18)
}
