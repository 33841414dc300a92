//! The public API of the audit log, one module for each behaviour. A test's name is a claim.

#[cfg(test)]
mod any_call;
#[cfg(test)]
mod archive;
#[cfg(test)]
mod auditor;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod full;
#[cfg(test)]
mod gap;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod links;
#[cfg(test)]
mod log_reader;
#[cfg(test)]
mod not_poisoned;
#[cfg(test)]
mod pending;
#[cfg(test)]
mod place;
#[cfg(test)]
mod publish;
#[cfg(test)]
mod publish_crash;
#[cfg(test)]
mod published;
#[cfg(test)]
mod published_damage;
#[cfg(test)]
mod published_dir;
#[cfg(test)]
mod read_only;
#[cfg(test)]
mod receipt;
#[cfg(test)]
mod receipt_oracle;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod running;
#[cfg(test)]
mod settled;
#[cfg(test)]
mod site;
#[cfg(test)]
mod small_segments;
#[cfg(test)]
mod strace;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod tasks;
#[cfg(test)]
#[path = "../../../tlog/tests/all/support.rs"]
mod tlog_support;
#[cfg(test)]
mod wakers;
