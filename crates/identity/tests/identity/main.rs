//! Who is who: DIDs with one spelling, keys that stay secret, credentials of one authority.

#![expect(clippy::string_slice, reason = "texts that the tests themselves wrote, in ASCII")]

#[cfg(test)]
mod credential;
#[cfg(test)]
mod did;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod key_texts;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod secret_key;
#[cfg(test)]
mod secrets;
