//! Enough stack, whatever the caller has: how deep a query may be must not depend on it.

/// Bytes of stack for one step of a query. [`DEPTH_MAX`](crate::limits::DEPTH_MAX) levels of an expression
/// take a part of it, in a build without optimisation too.
const STACK_LEN: usize = 16 * 1024 * 1024;

pub(crate) fn on_enough_stack<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_LEN, STACK_LEN + 1024 * 1024, step)
}
