//! The types of entities in the schema of a data space.

pub(crate) const PARTICIPANT: &str = "Dataspace::Participant";
pub(crate) const PERSON: &str = "Dataspace::Person";
pub(crate) const ROLE: &str = "Dataspace::Role";
pub(crate) const ACTION: &str = "Dataspace::Action";
pub(crate) const PRODUCT: &str = "Dataspace::Product";
pub(crate) const CONTRACT: &str = "Dataspace::Contract";
pub(crate) const SPACE: &str = "Dataspace::Space";
pub(crate) const ENVIRONMENT: &str = "Dataspace::Environment";
pub(crate) const TIME_ZONE: &str = "Dataspace::TimeZone";
