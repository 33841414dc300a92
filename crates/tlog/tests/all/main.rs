//! The public API of the formats and readers, one module for each behaviour. A test's name is a claim.

#[cfg(test)]
mod bundle;
#[cfg(test)]
mod cosignature;
#[cfg(test)]
mod fork;
#[cfg(test)]
mod note;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod record;
#[cfg(test)]
mod seen;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tile;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod vault;
#[cfg(test)]
mod witness;
