//! Strict CBOR: what is accepted has one encoding, and everything else is refused by name.

#![expect(clippy::string_slice, reason = "texts that the tests themselves wrote, in ASCII")]

#[cfg(test)]
mod canonical;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod reader;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors;
