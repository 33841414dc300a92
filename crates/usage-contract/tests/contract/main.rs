//! Offers, acceptances, agreements, terminations, profiles and quotas from outside the crate, and
//! what each party, or a stranger, can try.

#![expect(clippy::format_collect, reason = "short texts, shown to people")]

#[cfg(test)]
mod agreement_bytes;
#[cfg(test)]
mod costs;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod labels;
#[cfg(test)]
mod meter;
#[cfg(test)]
mod negotiation;
#[cfg(test)]
mod places;
#[cfg(test)]
mod profile;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod statement;
#[cfg(test)]
mod support;
#[cfg(test)]
mod termination;
