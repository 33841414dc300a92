//! Terms as ODRL and back.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod costs;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod digest;
#[cfg(test)]
mod dsp;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod operands;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors;
