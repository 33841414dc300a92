//! The COSE envelope: what verifies, what an attacker can try, and what RFC 9052 says about it.

#![expect(clippy::string_slice, reason = "texts that the tests themselves wrote, in ASCII")]

#[cfg(test)]
mod co_signatures;
#[cfg(test)]
mod content;
#[cfg(test)]
mod forgeries;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod key_validity;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod support;
