//! `dataspace audit` as operators and auditors run it.

#[cfg(test)]
mod archived;
#[cfg(test)]
mod archived_node;
#[cfg(test)]
mod auditors;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod damaged;
#[cfg(test)]
mod node;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod replayed;
#[cfg(test)]
mod served;
#[cfg(test)]
mod server;
#[cfg(test)]
mod support;
#[cfg(feature = "tls")]
#[cfg(test)]
mod tls;
#[cfg(test)]
mod verbs;
