//! Why a space's own operands are refused.

use std::collections::BTreeSet;

use dataspace_primitives::Name;
use thiserror::Error;

use crate::names::Term;
use crate::operands::{OPERANDS_MAX, OdrlOperands, OperandFact, OwnOperand};
use crate::read::is_known;

/// Why a space cannot give its names such meanings.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidOperands {
    /// More than [`OPERANDS_MAX`] of one kind.
    #[error("a space names at most {OPERANDS_MAX} operands, profiles or contexts, not {found}")]
    TooMany {
        /// Entries found.
        found: usize,
    },
    /// An operand that has its meaning already.
    #[error("`{operand}` has its meaning already; only names of the space's own can be mapped")]
    Known {
        /// Which.
        operand: Name,
    },
    /// Two operands with the same words would make two clauses look alike.
    #[error("`{operand}` has the same words as another operand: {words}")]
    SameWords {
        /// Which.
        operand: Name,
        /// The words.
        words: Name,
    },
    /// Two operands for the same attribute or credential: its words would be either's.
    #[error("`{operand}` stands for the same attribute or credential as another operand")]
    SameFact {
        /// Which.
        operand: Name,
    },
}

impl OdrlOperands {
    /// Checks all that must hold before it may be signed.
    ///
    /// # Errors
    /// [`InvalidOperands`], with the first entry at fault.
    pub fn check(&self) -> Result<(), InvalidOperands> {
        for found in [self.operands.len(), self.profiles.len(), self.contexts.len()] {
            if found > OPERANDS_MAX {
                return Err(InvalidOperands::TooMany { found });
            }
        }
        let (mut words, mut facts) = (BTreeSet::new(), BTreeSet::new());
        for (operand, OwnOperand { fact, words: own }) in &self.operands {
            let term = Term::of(operand.as_str());
            if is_known(term) || matches!(term, Term::Keyword(_)) {
                return Err(InvalidOperands::Known { operand: operand.clone() });
            }
            if !words.insert(own) {
                let (operand, words) = (operand.clone(), own.clone());
                return Err(InvalidOperands::SameWords { operand, words });
            }
            let named = match fact {
                OperandFact::Attribute { name, .. } => Some((true, name)),
                OperandFact::Credential { credential, .. } => Some((false, credential)),
                _ => None,
            };
            if named.is_some_and(|named| !facts.insert(named)) {
                return Err(InvalidOperands::SameFact { operand: operand.clone() });
            }
        }
        Ok(())
    }
}
