//! Whose fault an error is.

/// Whose fault an error is, and so what to do about it. The errors of this crate that a program
/// answers in different ways have a method `fault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller's: it asked for what is not there. Ask for something else.
    Caller,
    /// What was read is not what its signers made: damaged, cut short, rewritten or of somebody else.
    /// It stays so. Keep it, since it is evidence.
    Evidence,
    /// The medium, the network or this process failed, which says nothing about what was to be read.
    /// Mend that, and try again.
    Environment,
}
