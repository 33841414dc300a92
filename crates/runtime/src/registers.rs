//! Registers of persons: who left in a calendar year, each counted once.
//!
//! A register holds no person but 16 bytes of a keyed hash for each ([`SubjectId`](dataspace_data_plane::subjects::SubjectId)): who
//! has the files and not the node's root secret cannot tell whether somebody is in it.

mod directory;
mod file;
mod store;

pub use self::directory::DirectoryRegisters;
pub(crate) use self::directory::copy;
pub use self::store::{Admitted, MemoryRegisters, Register, RegisterError, Registers};
