//! The small types: each holds only valid values, and each has one spelling.

#![expect(clippy::string_slice, reason = "texts that the tests themselves wrote, in ASCII")]

#[cfg(test)]
mod digest;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod names;
#[cfg(test)]
mod regions;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod time;
#[cfg(test)]
mod unicode;
#[cfg(test)]
mod validity;
