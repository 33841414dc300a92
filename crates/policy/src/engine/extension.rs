//! Cedar's extension types: how their text is read, and what their functions give. `None` is
//! Cedar's evaluation error.

use std::fmt;
use std::net::IpAddr;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// An address, or a range of addresses. Equal only if address and prefix both are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ip {
    address: IpAddr,
    prefix: u8,
}

/// Ten-thousandths, from `-?digits.digits` with one to four decimals.
pub(crate) fn decimal(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.')?;
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if !all_digits(digits) || !all_digits(fraction) || fraction.len() > 4 {
        return None;
    }
    let scale = 10_i64.checked_pow(4_u32.checked_sub(u32::try_from(fraction.len()).ok()?)?)?;
    let fraction = fraction.parse::<i64>().ok()?.checked_mul(scale)?;
    let scaled = whole.parse::<i64>().ok()?.checked_mul(10_000)?;
    if whole.starts_with('-') { scaled.checked_sub(fraction) } else { scaled.checked_add(fraction) }
}

/// Milliseconds, from `-?` and days, hours, minutes, seconds, milliseconds in this order.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix('-').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut parts = Vec::with_capacity(5);
    let mut last = None;
    while !rest.is_empty() {
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, tail) = rest.split_at_checked(len)?;
        let number = digits.parse::<u64>();
        let units =
            [("ms", 4, 1), ("d", 0, DAY), ("h", 1, 3_600_000), ("m", 2, 60_000), ("s", 3, 1000)];
        let (unit, place, scale) = units.into_iter().find(|(unit, ..)| tail.starts_with(unit))?;
        if digits.is_empty() || last.is_some_and(|last| place <= last) {
            return None;
        }
        last = Some(place);
        parts.push((i128::from(number.ok()?), i128::from(scale)));
        rest = tail.strip_prefix(unit)?;
    }
    // From the smallest unit up, as Cedar adds; each step must fit.
    let mut sum = 0_i64;
    for (number, scale) in parts.into_iter().rev() {
        // Cedar checks the size of each part before its sign, except for milliseconds.
        let part = number.checked_mul(scale)?;
        let part = if scale == 1 && negative {
            i64::try_from(-part).ok()?
        } else {
            let part = i64::try_from(part).ok()?;
            if negative { -part } else { part }
        };
        sum = sum.checked_add(part)?;
    }
    Some(sum)
}

/// Milliseconds since 1970, from `YYYY-MM-DD`, alone or with `Thh:mm:ss`, `.SSS`, and `Z` or an
/// offset `+hhmm`.
pub(crate) fn datetime(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let [year, month, day] = fields(date, "####-##-##")?;
    let days = days_since_1970(year, month, day)?;
    if rest.is_empty() {
        return days.checked_mul(DAY);
    }
    let (time, rest) = rest.split_at_checked(9)?;
    let [hour, minute, second] = fields(time, "T##:##:##")?;
    let (millis, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (millis, zone) = rest.split_at_checked(3)?;
            let [millis] = fields(millis, "###")?;
            (millis, zone)
        }
        None => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = if zone == "Z" {
        0
    } else {
        let sign = match zone.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let (hours, minutes) = zone.get(1..)?.split_at_checked(2)?;
        let ([hours], [minutes]) = (fields(hours, "##")?, fields(minutes, "##")?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        sign * (hours * 60 + minutes) * 60_000
    };
    let time = ((hour * 60 + minute) * 60 + second) * 1000 + millis;
    Some(days * DAY + time - offset)
}

/// The numbers in `text`, whose digits stand where `shape` has `#`, and whose other characters
/// are the shape's.
fn fields<const N: usize>(text: &str, shape: &str) -> Option<[i64; N]> {
    if text.len() != shape.len() {
        return None;
    }
    let mut numbers = [0; N];
    let mut place = 0;
    let mut in_number = false;
    for (byte, like) in text.bytes().zip(shape.bytes()) {
        if like == b'#' {
            let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
            let number = numbers.get_mut(place)?;
            *number = *number * 10 + digit;
            in_number = true;
        } else if byte == like {
            place += usize::from(in_number);
            in_number = false;
        } else {
            return None;
        }
    }
    Some(numbers)
}

/// Of the proleptic Gregorian calendar; `None` if there is no such day.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > days_of_month {
        return None;
    }
    // Years that begin in March end with the leap day; eras of 400 years are all alike.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Midnight of the same day.
pub(crate) fn to_date(datetime: i64) -> Option<i64> {
    datetime.checked_sub(datetime.rem_euclid(DAY))
}

/// Time since midnight.
pub(crate) fn to_time(datetime: i64) -> i64 {
    datetime.rem_euclid(DAY)
}

impl Ip {
    /// An address of either version, alone or with `/` and a prefix length.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > 43 || (text.matches(':').count() > 1 && text.matches('.').count() > 1) {
            return None;
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let prefix_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => prefix_max,
            Some(prefix) => {
                let is_short = prefix.len() <= if address.is_ipv4() { 2 } else { 3 };
                let is_plain = all_digits(prefix) && (!prefix.starts_with('0') || prefix == "0");
                let prefix = (is_short && is_plain).then(|| prefix.parse::<u8>().ok())??;
                (prefix <= prefix_max).then_some(prefix)?
            }
        };
        Some(Self { address, prefix })
    }

    pub(crate) fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
    }

    pub(crate) fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    pub(crate) fn is_loopback(self) -> bool {
        self.address.is_loopback() && self.prefix >= if self.is_ipv4() { 8 } else { 128 }
    }

    pub(crate) fn is_multicast(self) -> bool {
        self.address.is_multicast() && self.prefix >= if self.is_ipv4() { 4 } else { 8 }
    }

    pub(crate) fn is_in_range(self, other: Self) -> bool {
        if self.is_ipv4() != other.is_ipv4() {
            return false;
        }
        let (first, last) = self.bounds();
        let (other_first, other_last) = other.bounds();
        other_first <= first && last <= other_last
    }

    fn bounds(self) -> (u128, u128) {
        let (address, len) = match self.address {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        let host_bits = u32::from(len - self.prefix);
        let hosts = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |hosts| hosts - 1);
        (address & !hosts, address | hosts)
    }
}

impl fmt::Display for Ip {
    /// As [`Ip::parse`] reads it. Groups are written out, for Cedar takes no dots beside them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix_max = match self.address {
            IpAddr::V4(address) => {
                write!(f, "{address}")?;
                32
            }
            IpAddr::V6(address) => {
                for (i, group) in address.segments().iter().enumerate() {
                    write!(f, "{}{group:x}", if i > 0 { ":" } else { "" })?;
                }
                128
            }
        };
        if self.prefix == prefix_max { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
