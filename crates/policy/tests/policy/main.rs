//! Terms, their Cedar text and the decision by it, from outside the crate: what they say, and what
//! an attacker who writes terms, texts or facts can try.

#![expect(clippy::format_collect, reason = "short texts, shown to people")]

#[cfg(test)]
mod boundaries;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod cedar_text;
#[cfg(test)]
mod compiler;
#[cfg(test)]
mod constraint_cases;
#[cfg(test)]
mod constraints;
#[cfg(test)]
mod deep;
#[cfg(test)]
mod duties;
#[cfg(test)]
mod exclusive;
#[cfg(test)]
mod extension;
#[cfg(test)]
mod fail_closed;
#[cfg(test)]
mod fallback;
#[cfg(test)]
mod forbids;
#[cfg(test)]
mod ids;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod lint;
#[cfg(test)]
#[path = "../../../../fuzz/checks/naive_terms.rs"]
mod naive_terms;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod seen;
#[cfg(test)]
mod support;
#[cfg(test)]
mod terms;
#[cfg(test)]
mod values;
#[cfg(test)]
mod zones;
