//! Enough stack, whatever the caller has: how deep a query may be must not depend on it.

/// Bytes of stack for one step of a query: [`DEPTH_MAX`](crate::limits::DEPTH_MAX) levels of an expression
/// take a part of it, in a build without optimisation too.
const STEP_LEN: usize = 16 * 1024 * 1024;

/// Bytes of stack for the parser, which for some words calls itself without counting. In a build without
/// optimisation it then takes 20 to 30 kB for each of at most
/// [`TOKENS_MAX`](crate::limits::TOKENS_MAX). What is not used is only an address.
const PARSER_LEN: usize = 128 * 1024 * 1024;

pub(crate) fn on_enough_stack<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STEP_LEN, STEP_LEN + 1024 * 1024, step)
}

pub(crate) fn on_stack_of_parser<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(PARSER_LEN, PARSER_LEN + 1024 * 1024, step)
}
