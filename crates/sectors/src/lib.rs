//! The data spaces of three sectors, as data: the purposes, classes and roles of a materials, an
//! automotive and an audio-visual data space, forbids that hold for every contract, and templates of
//! terms with typed parameters, told in English and in Chinese.
//!
//! # What it refuses to do
//! It decides nothing. A template makes [`Terms`](dataspace_policy::Terms), which say the same in words, in
//! Cedar and in ODRL as any others. It makes none that could not be signed or that no node carries out:
//! what a contract cannot enforce is a clause labelled `legal`, or it is not here (see Limits).
//!
//! # Example
//! ```
//! use dataspace_identity::SecretKey;
//! use dataspace_sectors::{Arguments, Language};
//!
//! let sector = dataspace_sectors::materials();
//! let authority = SecretKey::from_seed(&mut [1; 32])?; // draw real seeds at random
//! let profile = sector.profile("alloys".parse()?, authority.did().clone());
//! assert!(profile.scenarios.contains_key(&"research".parse()?));
//!
//! let template = sector.template("pay-per-access").ok_or("no such template")?;
//! let draft = template.fill(&Arguments::new().with("price", "2.50 EUR").with("cap", 20))?;
//! assert_eq!(
//!     draft.clauses(Language::English)[0].words,
//!     "the consumer may read, for alloy-design or research or narrower purposes, 20 times a month"
//! );
//! let refused = template.fill(&Arguments::new().with("price", "2.50 EUR").with("cap", 0));
//! assert_eq!(refused.unwrap_err().to_string(), "cap must be a whole number from 1 to 1000000");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A sector is a directory
//! `materials`, `automotive` and `audio-visual` in this crate have the same files:
//!
//! | file | what it holds |
//! |---|---|
//! | `profile.json` | purposes (each may be part of a broader one), classes, roles, kinds of signed statements, settings of the forbids, and what each forbid says |
//! | `forbids.cedar` | the baseline: Cedar that the space's profile carries, with `${setting}` for lists of countries |
//! | `schema.cedarschema` | what policies of the sector can speak of beyond the schema of all spaces: names of what credentials and statements say |
//! | `templates/*.json` | id, title, text, parameters, and terms in the form in which contracts hold them, with `${parameter}` |
//!
//! In terms, a text that is `${parameter}` alone becomes the argument; within a longer text it becomes the
//! argument in words; `{"in": "${list}", "each": …}` is repeated for each entry, `${it}`; and
//! `{"en": …, "zh": …}` is the text of a legal clause in both languages.
//!
//! [`Sector::parse`] takes such files, from anybody, and proves them: every placeholder has a parameter and
//! every parameter a placeholder; filled with defaults and examples, the terms can be signed, are carried out,
//! and no clause is without effect; everything is told in both languages; the forbids are Cedar that a space
//! takes; forbids and templates ask for no tag that the schema does not name. [`Sector::check_policies`] proves the
//! same of a policy that an authority or a provider adds. The Chinese words of clauses come from the terms, like the English ones, and not from the file: they
//! cannot say something else than what decides.
//!
//! # Limits
//! What the sectors would need and a node does not carry out yet is not offered, or bears the label `legal`:
//! - queries: figures of groups are what a template has for them;
//! - payments: prices are legal text; the cap of accesses is enforced, and so is that something is paid, where
//!   the template asks for the provider's signed statement;
//! - deletion: the last access is enforced, deleting the copy is legal text;
//! - holdback and exclusivity between contracts hold at one node: `exclusive-territory` keeps it from signing
//!   another contract, and no other node of the provider;
//! - blurring is not looked at: it is attested by whom the space trusts (`exterior-video-attested`), or what the
//!   provider registers as a class;
//! - several classes: a product has one class, given by its provider: what is both a preview and reserved is
//!   registered as reserved;
//! - classification levels: a space can trust somebody to state them; classes stand for it here;
//! - a sector's schema names texts. A node validates a profile by the schema of all spaces, in which any tag may
//!   be asked for: check what you add with [`Sector::check_policies`] before you sign it.

pub mod arguments;
mod builtin;
pub mod chinese;
pub mod fill;
pub mod language;
pub mod parameter;
pub mod sector;
mod strict;
pub mod template;

pub use crate::arguments::Arguments;
pub use crate::builtin::{all, audio_visual, automotive, materials};
pub use crate::language::Language;
pub use crate::sector::Sector;
pub use crate::template::Template;
