//! The node from outside: what it gives, what it refuses, and what an attacker can try.

#[cfg(test)]
mod access;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod attacks_beside;
#[cfg(test)]
mod audited;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod carried_out;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod cold;
#[cfg(test)]
mod compiler;
#[cfg(test)]
mod consumer;
#[cfg(test)]
mod consumer_attacks;
#[cfg(test)]
mod consumer_evasions;
#[cfg(test)]
mod counts;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod denials;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod evidence_attacks;
#[cfg(test)]
mod evidence_forger;
#[cfg(test)]
mod exclusive;
#[cfg(test)]
mod failing_log;
#[cfg(test)]
mod forbids;
#[cfg(test)]
mod forged_records;
#[cfg(test)]
mod index;
#[cfg(test)]
mod index_files;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod log_tamper;
#[cfg(test)]
mod media;
#[cfg(test)]
mod membership;
#[cfg(test)]
mod membership_orders;
#[cfg(test)]
mod negotiation;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod passes;
#[cfg(test)]
mod places;
#[cfg(test)]
mod profile;
#[cfg(test)]
mod provider_policies;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod reopen;
#[cfg(test)]
mod replayed;
#[cfg(test)]
mod report_forgers;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod resumed;
#[cfg(test)]
mod resumed_attacks;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod rotation_attacks;
#[cfg(test)]
mod running;
#[cfg(test)]
#[cfg(feature = "sealed")]
mod sealed;
#[cfg(test)]
#[cfg(feature = "sealed")]
mod sealed_attacks;
#[cfg(test)]
#[cfg(feature = "sealed")]
mod sealed_releases;
#[cfg(test)]
#[cfg(feature = "sealed")]
mod sealed_statements;
#[cfg(test)]
mod seams;
#[cfg(test)]
mod several;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod support;
#[cfg(test)]
mod throttle;
#[cfg(test)]
mod together;
#[cfg(test)]
mod unknown_facts;
#[cfg(test)]
mod vouched;
#[cfg(test)]
mod vouched_attacks;
#[cfg(test)]
mod waiting;
