//! Terms as ODRL and back.

mod arbitrary;
mod digest;
mod hostile;
mod identity;
mod vectors;
