//! Says whether a condition holds.

use bumpalo::Bump;

use crate::engine::eval::Evaluation;
use crate::engine::node::Node;
use crate::engine::paved::Access;
use crate::engine::source::Erred;

/// Says whether a clause applies or a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not.
    Fails,
    /// It could not be evaluated; that denies.
    Erred,
}

pub(super) fn verdict(node: &Node, access: &Access<'_>) -> Verdict {
    let memory = Bump::new();
    // The caller's stack may be small; conditions nest no deeper than what is compiled.
    let found = stacker::maybe_grow(256 << 10, 1 << 20, || {
        Evaluation { source: access, memory: &memory }.bool(node)
    });
    match found {
        Ok(true) => Verdict::Holds,
        Ok(false) => Verdict::Fails,
        Err(Erred) => Verdict::Erred,
    }
}
