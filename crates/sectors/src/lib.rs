//! What the sectors call things: the scenarios (purposes), product classes and roles of a
//! materials, an automotive and an audio-visual data space, and a first profile from them.
//!
//! # What it refuses to do
//! It decides nothing. A vocabulary is a starting point: the authority changes the profile as it
//! likes before it signs.
//!
//! # Example
//! ```
//! use dataspace_identity::SecretKey;
//!
//! let authority = SecretKey::from_seed(&mut [1; 32])?; // draw real seeds at random
//! let profile = dataspace_sectors::materials().profile("alloys".parse()?, authority.did().clone());
//! assert!(profile.scenarios.contains_key(&"research".parse()?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! Schemas and term templates of the sectors are not here yet.

mod vocabulary;

pub use crate::vocabulary::{Vocabulary, audio_visual, automotive, materials};
