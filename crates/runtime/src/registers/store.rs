//! What a store of registers does.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use dataspace_data_plane::subjects::SubjectId;
use dataspace_policy::duty::PERSONS_MAX;
use dataspace_primitives::Name;
use thiserror::Error;

/// One calendar year of one register.
#[derive(Clone, Copy)]
pub struct Register<'a> {
    /// Its name, as in the duties that count in it.
    pub name: &'a Name,
    /// The year.
    pub year: u16,
    /// A secret of the node for registers of this name, by which a store can tell that what it holds was written by
    /// this node.
    pub secret: &'a [u8; 32],
}

/// Where a node keeps its registers. What it loses is not counted, and nobody sees that: keep them as safe as the
/// log.
///
/// One node uses it at a time, and several releases of it at once.
pub trait Registers: Send + Sync {
    /// Takes persons into a register, those who are in it already without effect, if there are then no more than
    /// `at_most` in it; all of them or none. When it returns [`Admitted::Yes`] they are in it for good, whatever becomes of the
    /// machine.
    ///
    /// A register in which there are more than `at_most` already, since another duty lets there be more, takes nobody, and says
    /// no for those in it, too.
    ///
    /// # Errors
    /// [`RegisterError`]: then some of them may be in it, and must not leave.
    fn admit(
        &self,
        register: &Register<'_>,
        persons: &HashSet<SubjectId>,
        at_most: u32,
    ) -> Result<Admitted, RegisterError>;

    /// How many persons are in a register; 0 if there is none.
    ///
    /// # Errors
    /// [`RegisterError`].
    fn count(&self, register: &Register<'_>) -> Result<u64, RegisterError>;
}

/// Result of asking for persons to be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// All are in the register.
    Yes,
    /// There would be too many; it is as before.
    No,
}

/// Why a register cannot be used. Its text is for the node's operator.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The medium fails. Nothing is counted in this register until the node is opened again.
    #[error("the register in `{}` cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the medium says.
        source: io::Error,
    },
    /// The file is not what was written, or of another node, register or year.
    #[error(
        "the register in `{}` {what}; put the last good copy of it back. Nothing leaves meanwhile whose persons are counted in it",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// A store of another kind fails.
    #[error("the register cannot be used")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Name and year.
type Key = (Name, u16);

/// Persons in memory: for tests, and for simulations. What is counted is lost with it.
#[derive(Clone, Default)]
pub struct MemoryRegisters(Arc<Mutex<BTreeMap<Key, HashSet<SubjectId>>>>);

impl Registers for MemoryRegisters {
    fn admit(
        &self,
        register: &Register<'_>,
        persons: &HashSet<SubjectId>,
        at_most: u32,
    ) -> Result<Admitted, RegisterError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = all.entry((register.name.clone(), register.year)).or_default();
        if !fits(here, persons, at_most) {
            return Ok(Admitted::No);
        }
        here.extend(persons);
        Ok(Admitted::Yes)
    }

    fn count(&self, register: &Register<'_>) -> Result<u64, RegisterError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = all.get(&(register.name.clone(), register.year));
        Ok(here.map_or(0, |here| u64::try_from(here.len()).unwrap_or(u64::MAX)))
    }
}

/// Returns true if there are then no more than `at_most`.
pub(super) fn fits(here: &HashSet<SubjectId>, persons: &HashSet<SubjectId>, at_most: u32) -> bool {
    let new = persons.iter().filter(|person| !here.contains(*person)).count();
    let most = usize::try_from(at_most.min(PERSONS_MAX)).unwrap_or(usize::MAX);
    here.len().saturating_add(new) <= most
}

// The secret is not shown.
impl fmt::Debug for Register<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register")
            .field("name", &self.name)
            .field("year", &self.year)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryRegisters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRegisters").finish_non_exhaustive()
    }
}
