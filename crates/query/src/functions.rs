//! The functions of a query.
//!
//! A function is here only if its result follows from its arguments alone, takes no more than a few times
//! their bytes, and is there in time that grows with them at most as a sort's does. So there are none that
//! read a clock or make random numbers, none that repeat, pad, join or replace texts, and no regular
//! expressions.

use std::sync::Arc;

use datafusion::functions;
use datafusion::functions_aggregate as aggregates;
use datafusion::functions_window as windows;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

/// Functions of the values of one row, by name.
pub const SCALAR: &[&str] = &[
    "abs",
    "ascii",
    "btrim",
    "ceil",
    "char_length",
    "character_length",
    "coalesce",
    "contains",
    "date_part",
    "date_trunc",
    "ends_with",
    "exp",
    "floor",
    "greatest",
    "isnan",
    "least",
    "left",
    "length",
    "ln",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "make_date",
    "nanvl",
    "nullif",
    "octet_length",
    "position",
    "power",
    "reverse",
    "right",
    "round",
    "rtrim",
    "signum",
    "split_part",
    "sqrt",
    "starts_with",
    "strpos",
    "substr",
    "substring",
    "trim",
    "trunc",
    "upper",
];

/// Functions of the rows of a group, by name.
pub const AGGREGATE: &[&str] = &[
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "max",
    "median",
    "min",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var",
    "var_pop",
    "var_samp",
];

/// Aggregates that may be taken over a window as well, where each row costs no more than the last.
pub const OVER_WINDOW: &[&str] = &["avg", "count", "max", "min", "sum"];

/// Functions of a window alone, by name.
pub const WINDOW: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

pub(crate) fn scalar(name: &str) -> Option<Arc<ScalarUDF>> {
    use functions::{core, datetime, math, string, unicode};
    Some(match name {
        "abs" => math::abs(),
        "ascii" => string::ascii(),
        "btrim" | "trim" => string::btrim(),
        "ceil" => math::ceil(),
        "char_length" | "character_length" | "length" => unicode::character_length(),
        "coalesce" => core::coalesce(),
        "contains" => string::contains(),
        "date_part" => datetime::date_part(),
        "date_trunc" => datetime::date_trunc(),
        "ends_with" => string::ends_with(),
        "exp" => math::exp(),
        "floor" => math::floor(),
        "greatest" => core::greatest(),
        "isnan" => math::isnan(),
        "least" => core::least(),
        "left" => unicode::left(),
        "ln" => math::ln(),
        "log10" => math::log10(),
        "log2" => math::log2(),
        "lower" => string::lower(),
        "ltrim" => string::ltrim(),
        "make_date" => datetime::make_date(),
        "nanvl" => math::nanvl(),
        "nullif" => core::nullif(),
        "octet_length" => string::octet_length(),
        "position" | "strpos" => unicode::strpos(),
        "power" => math::power(),
        "reverse" => unicode::reverse(),
        "right" => unicode::right(),
        "round" => math::round(),
        "rtrim" => string::rtrim(),
        "signum" => math::signum(),
        "split_part" => string::split_part(),
        "sqrt" => math::sqrt(),
        "starts_with" => string::starts_with(),
        "substr" | "substring" => unicode::substr(),
        "trunc" => math::trunc(),
        "upper" => string::upper(),
        _ => return None,
    })
}

pub(crate) fn aggregate(name: &str) -> Option<Arc<AggregateUDF>> {
    use aggregates::{
        average, bool_and_or, correlation, count, covariance, median, min_max, stddev, sum,
        variance,
    };
    Some(match name {
        "avg" => average::avg_udaf(),
        "bool_and" => bool_and_or::bool_and_udaf(),
        "bool_or" => bool_and_or::bool_or_udaf(),
        "corr" => correlation::corr_udaf(),
        "count" => count::count_udaf(),
        "covar_pop" => covariance::covar_pop_udaf(),
        "covar_samp" => covariance::covar_samp_udaf(),
        "max" => min_max::max_udaf(),
        "median" => median::median_udaf(),
        "min" => min_max::min_udaf(),
        "stddev" | "stddev_samp" => stddev::stddev_udaf(),
        "stddev_pop" => stddev::stddev_pop_udaf(),
        "sum" => sum::sum_udaf(),
        "var" | "var_samp" => variance::var_samp_udaf(),
        "var_pop" => variance::var_pop_udaf(),
        _ => return None,
    })
}

pub(crate) fn window(name: &str) -> Option<Arc<WindowUDF>> {
    use windows::{cume_dist, lead_lag, nth_value, ntile, rank, row_number};
    Some(match name {
        "cume_dist" => cume_dist::cume_dist_udwf(),
        "dense_rank" => rank::dense_rank_udwf(),
        "first_value" => nth_value::first_value_udwf(),
        "lag" => lead_lag::lag_udwf(),
        "last_value" => nth_value::last_value_udwf(),
        "lead" => lead_lag::lead_udwf(),
        "nth_value" => nth_value::nth_value_udwf(),
        "ntile" => ntile::ntile_udwf(),
        "percent_rank" => rank::percent_rank_udwf(),
        "rank" => rank::rank_udwf(),
        "row_number" => row_number::row_number_udwf(),
        _ => return None,
    })
}
