//! What people see of the binary, and what they may give it.

#[cfg(test)]
mod inputs;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod output;
#[cfg(test)]
mod sectors;
#[cfg(test)]
mod support;
