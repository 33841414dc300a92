//! What content credentials reserve, and what becomes of it in a node.

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod node;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod support;
