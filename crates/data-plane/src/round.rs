//! Rounding to decimals, half away from zero.
//!
//! Floats are rounded in their shortest decimal spelling, the one that a person sees: `0.285` to
//! two decimals is `0.29`, although the binary number lies a little below. No scaling takes
//! place, so nothing overflows and no digit beyond the asked ones comes back.

/// A binary float with a shortest decimal spelling.
pub(crate) trait Float: Copy + std::fmt::LowerExp + std::str::FromStr {
    const NAN: Self;
    fn is_finite(self) -> bool;
    fn is_nan(self) -> bool;
    /// The same as the way by the spelling, without one; NaN where that alone can tell, of NaN and of
    /// infinities.
    fn quick(self, _scale: Scale) -> Self {
        Self::NAN
    }
    /// The same of what is spelled as a half (`0.25` to one decimal); NaN of all else.
    fn halfway(self, _scale: Scale) -> Self {
        Self::NAN
    }
}

impl Float for f32 {
    const NAN: Self = f32::NAN;
    fn is_finite(self) -> bool {
        self.is_finite()
    }
    fn is_nan(self) -> bool {
        self.is_nan()
    }
}

impl Float for f64 {
    const NAN: Self = f64::NAN;
    fn is_finite(self) -> bool {
        self.is_finite()
    }
    fn is_nan(self) -> bool {
        self.is_nan()
    }

    // Scaling and the spelling are each off by at most 2^-53 of the number, so that a fraction that is
    // further from a half than 2^-50 of it rounds the same way. The quotient of two whole numbers that a float
    // has exactly is the float nearest to it, as it is of its spelling.
    // Without a branch, so that several are rounded at a time.
    #[expect(clippy::needless_bitwise_bool, reason = "the lazy operator is a branch")]
    #[inline]
    fn quick(self, scale: Scale) -> Self {
        const TOLERANCE: f64 = 4.0 * f64::EPSILON;
        let Scale { power, is_left } = scale;
        let scaled = if is_left { self / power } else { self * power };
        let rounded = (scaled + WHOLE) - WHOLE;
        let (size, rest) = (scaled.abs(), (scaled - rounded).abs());
        let is_clear = (size < LARGEST) & (rest < 0.5 - size * TOLERANCE);
        let value = if is_left { rounded * power } else { rounded / power };
        // Zero loses its sign.
        std::hint::select_unpredictable(is_clear, value + 0.0, f64::NAN)
    }

    // A half with fewer than 2^40 before the point has at most 15 digits, and no two spellings so short mean the same
    // float: what is the float nearest to it is spelled as it.
    fn halfway(self, scale: Scale) -> Self {
        let Scale { power, is_left } = scale;
        let part = |whole: f64| if is_left { whole * power } else { whole / power };
        let size = self.abs();
        let down = if is_left { size / power } else { size * power } - 0.5;
        let down = (down + WHOLE) - WHOLE;
        #[expect(clippy::float_cmp, reason = "it is the same float, or none")]
        let is_half = down < LARGEST && part(down + 0.5) == size;
        if is_half { part(down + 1.0).copysign(self) } else { f64::NAN }
    }
}

/// Added and taken away, it leaves a whole number: floats of its size have no fraction.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// 2^40: below it, the quick ways are right.
const LARGEST: f64 = 1_099_511_627_776.0;

/// Ten to the power of the decimals, and on which side of the point they are.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    power: f64,
    is_left: bool,
}

impl Scale {
    fn of(decimals: i8) -> Option<Self> {
        let power = *POWERS.get(usize::from(decimals.unsigned_abs()))?;
        Some(Self { power, is_left: decimals < 0 })
    }
}

const POWERS: [f64; 19] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18,
];

/// Rounds to `decimals`. Infinities stay; every NaN becomes the one NaN, whose bits tell nothing;
/// zero has no sign, as the sign of a value that rounds to zero is a digit of it.
pub(crate) fn round_float<F: Float>(decimals: i8) -> impl Fn(F) -> F {
    let scale = Scale::of(decimals);
    move |value| {
        let quick = scale.map_or(F::NAN, |scale| value.quick(scale));
        if quick.is_nan() { round_left(value, scale, decimals) } else { quick }
    }
}

/// The same of many: first the quick way for some of them at a time, without a branch, then those that it left.
pub(crate) fn round_floats<F: Float>(values: &mut [F], decimals: i8) {
    let Some(scale) = Scale::of(decimals) else {
        for value in values {
            *value = round_slowly(*value, decimals);
        }
        return;
    };
    let mut before = [F::NAN; 64];
    for part in values.chunks_mut(before.len()) {
        for (value, before) in part.iter().zip(&mut before) {
            *before = *value;
        }
        // Apart, so that neither loop asks each value on which side it is rounded.
        if scale.is_left {
            let scale = Scale { is_left: true, ..scale };
            for value in &mut *part {
                *value = value.quick(scale);
            }
        } else {
            let scale = Scale { is_left: false, ..scale };
            for value in &mut *part {
                *value = value.quick(scale);
            }
        }
        if part.iter().fold(false, |any, value| any | value.is_nan()) {
            let left = part.iter_mut().zip(&before).filter(|(value, _)| value.is_nan());
            left.for_each(|(value, before)| *value = round_left(*before, Some(scale), decimals));
        }
    }
}

/// What the quick way leaves.
fn round_left<F: Float>(value: F, scale: Option<Scale>, decimals: i8) -> F {
    let halfway = scale.map_or(F::NAN, |scale| value.halfway(scale));
    if halfway.is_nan() { round_slowly(value, decimals) } else { halfway }
}

#[cold]
fn round_slowly<F: Float>(value: F, decimals: i8) -> F {
    if value.is_nan() {
        return F::NAN;
    }
    if !value.is_finite() {
        return value;
    }
    by_spelling(value, decimals)
}

fn by_spelling<F: Float>(value: F, decimals: i8) -> F {
    round_spelling(&format!("{value:e}"), decimals)
        .and_then(|text| text.parse().ok())
        .unwrap_or(F::NAN)
}

/// Rounds a number spelled `-d.ddde-x`; `None` if it is spelled otherwise.
fn round_spelling(text: &str, decimals: i8) -> Option<String> {
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    // How many of the digits stay; below zero, not even the first one comes near.
    let Ok(stay) = usize::try_from(exponent + 1 + i32::from(decimals)) else {
        return Some("0".to_owned());
    };
    let (kept, last, up) = if stay < digits.len() {
        let up = digits.get(stay).is_some_and(|digit| *digit >= b'5');
        (digits.get(..stay)?, -i32::from(decimals), up)
    } else {
        let len = i32::try_from(digits.len()).ok()?;
        (digits.as_slice(), exponent + 1 - len, false)
    };
    // At most 17 digits.
    let kept = kept.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    match kept + u64::from(up) {
        0 => Some("0".to_owned()),
        rounded => Some(format!("{sign}{rounded}e{last}")),
    }
}

/// The nearest multiple of 10^`zeros`, if `fits`, otherwise the next one towards zero: also at the
/// ends of the type no digit below 10^`zeros` is shown.
pub(crate) fn round_integer<T: TryFrom<i128>>(value: i128, zeros: u32) -> Option<T> {
    let unit = 10_i128.checked_pow(zeros)?;
    let (down, rest) = (value / unit * unit, value % unit);
    let away = if rest.abs() * 2 >= unit { down + unit * value.signum() } else { down };
    T::try_from(away).or_else(|_| T::try_from(down)).ok()
}

/// A decimal of `scale` digits behind the point, rounded to `decimals` of them. A value that would
/// have more than `precision` digits becomes the next one towards zero.
pub(crate) fn round_decimal(value: i128, precision: u8, scale: i8, decimals: i8) -> Option<i128> {
    let zeros = u32::try_from(i32::from(scale) - i32::from(decimals)).unwrap_or(0);
    // More zeros than the type has digits: not even the first digit comes near.
    let Some(unit) = 10_i128.checked_pow(zeros) else { return Some(0) };
    let (down, rest) = (value / unit * unit, value % unit);
    let up = rest.unsigned_abs() >= unit.unsigned_abs().div_ceil(2) && unit > 1;
    let away = if up { down.checked_add(unit * value.signum()) } else { Some(down) };
    let most = 10_u128.checked_pow(u32::from(precision)).unwrap_or(u128::MAX);
    away.filter(|away| away.unsigned_abs() < most).or(Some(down))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        for (value, decimals, expected) in [
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (0.285, 2, 0.29),
            (1.005, 2, 1.01),
            (9.995, 2, 10.0),
            (0.5, 0, 1.0),
            (0.05, 1, 0.1),
            (15.0, -1, 20.0),
            (-14.9, -1, -10.0),
            (50.0, -2, 100.0),
            (49.0, -2, 0.0),
            (5.0, -2, 0.0),
        ] {
            assert_eq!(
                round_float::<f64>(decimals)(value).to_bits(),
                f64::to_bits(expected),
                "{value} to {decimals}"
            );
        }
    }

    #[test]
    fn extreme_floats_neither_overflow_nor_panic() {
        for value in [1e300, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 1e22] {
            for decimals in -18..=18 {
                assert!(round_float(decimals)(value).is_finite());
            }
        }
        assert!(round_float(-18)(f32::MAX).is_finite());
        assert_eq!(round_float(-18)(f32::MAX).to_bits(), f32::MAX.to_bits());
        assert!(round_float(2)(f64::INFINITY).is_infinite());
    }

    #[test]
    fn the_quick_way_gives_what_the_spelling_gives() {
        let (mut state, mut quick, mut halves) = (1_u64, 0, 0);
        for turn in 0..200_000_u32 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let [a, b, c, ..] = (state >> 16).to_le_bytes();
            let decimals = i8::try_from(a % 37).unwrap() - 18;
            let magnitude = 10_f64.powi(i32::from(b % 40) - 20);
            let short = f64::from(u32::from(c) * 1000 + turn % 1000) / 1000.0;
            let bits = f64::from_bits(state);
            let any = if bits.is_finite() { bits } else { 0.5 };
            let half = (f64::from(turn) + 0.5) / 10_f64.powi(decimals.into());
            // Of any length, on both sides of the limit.
            let Scale { power, is_left } = Scale::of(decimals).unwrap();
            let long = f64::from(u32::try_from(state >> 32).unwrap() >> (turn % 32));
            let long = long * f64::from(1 << (turn % 11)) + 0.5;
            let long = if is_left { long * power } else { long / power };
            for value in [
                short * magnitude,
                short + 0.5,
                short,
                -short - 0.005,
                any,
                half,
                half.next_up(),
                long,
                -long,
                half.next_down(),
                half * (1.0 + 3.0 * f64::EPSILON),
                half * (1.0 - 3.0 * f64::EPSILON),
                half * (1.0 + 9.0 * f64::EPSILON),
                half * (1.0 - 9.0 * f64::EPSILON),
            ] {
                let scale = Scale::of(decimals).unwrap();
                let found = [value.quick(scale), value.halfway(scale)];
                quick += usize::from(!found[0].is_nan());
                halves += usize::from(!found[1].is_nan());
                for found in found.into_iter().filter(|found| !found.is_nan()) {
                    let expected = by_spelling(value, decimals);
                    assert_eq!(found.to_bits(), expected.to_bits(), "{value:e} to {decimals}");
                }
            }
        }
        assert!(quick > 100_000, "{quick}");
        assert!(halves > 10_000, "{halves}");
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.26, 1e300] {
            assert!(value.halfway(Scale::of(1).unwrap()).is_nan(), "{value}");
        }
        assert!(
            [f64::NAN, f64::INFINITY].iter().all(|one| one.quick(Scale::of(1).unwrap()).is_nan())
        );
    }

    #[test]
    fn many_are_rounded_as_each_of_them() {
        let one = |at: u32| match at % 7 {
            0 => f64::NAN,
            1 => f64::NEG_INFINITY,
            2 => f64::from(at) + 0.5,
            3 => -0.0,
            4 => f64::from(at) * 1e30,
            _ => f64::from(at) / -7.0,
        };
        for len in [0, 1, 63, 64, 65, 500] {
            for decimals in [-20, -2, 0, 1, 3, 18, 19] {
                let mut all: Vec<f64> = (0..len).map(one).collect();
                let each = all.iter().map(|value| round_float(decimals)(*value).to_bits());
                let each: Vec<u64> = each.collect();
                round_floats(&mut all, decimals);
                assert_eq!(all.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), each);
            }
        }
    }

    #[test]
    fn a_rounded_nan_carries_no_payload() {
        let tagged = f64::from_bits(0x7ff8_dead_beef_0001);
        assert_eq!(round_float(2)(tagged).to_bits(), f64::NAN.to_bits());
    }

    #[test]
    fn a_value_that_rounds_to_zero_has_no_sign() {
        for value in [-0.0, -0.4, -1e-300] {
            assert_eq!(round_float::<f64>(0)(value).to_bits(), 0);
        }
    }

    #[test]
    fn decimals_are_rounded_in_their_own_digits() {
        for (value, precision, scale, decimals, expected) in [
            (12345, 10, 2, 1, 12350),
            (12344, 10, 2, 1, 12340),
            (-12345, 10, 2, 1, -12350),
            (12345, 10, 2, 2, 12345),
            (12345, 10, 2, 5, 12345),
            (12345, 10, 2, -1, 12000),
            (12345, 10, 2, -18, 0),
            (999, 3, 2, 1, 990),
            (i128::MAX, 38, 38, -18, 0),
        ] {
            assert_eq!(round_decimal(value, precision, scale, decimals), Some(expected));
        }
    }

    #[test]
    fn integers_at_the_ends_of_their_type_stay_multiples() {
        assert_eq!(round_integer::<i8>(127, 1), Some(120));
        assert_eq!(round_integer::<i8>(-128, 1), Some(-120));
        assert_eq!(round_integer::<i8>(127, 3), Some(0));
        assert_eq!(round_integer::<u64>(u64::MAX.into(), 18), Some(18_000_000_000_000_000_000));
        assert_eq!(round_integer::<u64>(u64::MAX.into(), 1), Some(u64::MAX / 10 * 10));
        assert_eq!(round_integer::<i64>(i64::MIN.into(), 18), Some(-9_000_000_000_000_000_000));
        assert_eq!(round_integer::<i64>(-15, 1), Some(-20));
        assert_eq!(round_integer::<i64>(14, 1), Some(10));
    }
}
